// The QR code of a slip carries code and secret behind "#", and so does a mail's link to a result.
// Browsers never send it. It is put into the form, out of the address, and sent by the person's own
// touch.
"use strict";

const given = new URLSearchParams(location.hash.slice(1));
for (const name of ["code", "secret"]) {
  if (given.has(name)) document.querySelector(`input[name=${name}]`).value = given.get(name);
}
if (location.hash) history.replaceState(null, "", location.pathname);
