// The QR code of a slip carries code and secret behind "#", and so does a mail's link to a result.
// Browsers never send it. It is put into the form, out of the address, and sent by the person's own
// touch. A second slip that is scanned in the same tab only changes what is behind "#": the form takes
// the first result's place.
"use strict";

function takeFromAddress() {
  if (!location.hash) return;
  const given = new URLSearchParams(location.hash.slice(1));
  history.replaceState(null, "", location.pathname);
  if (!given.has("code") && !given.has("secret")) return;
  for (const name of ["code", "secret"]) {
    const field = document.querySelector(`input[name=${name}]`);
    if (field) field.value = given.get(name) ?? "";
  }
  const another = document.querySelector("#another");
  if (another) {
    another.hidden = false;
    document.querySelector("article")?.remove();
    another.querySelector("button").focus();
  }
}

addEventListener("hashchange", takeFromAddress);
takeFromAddress();
