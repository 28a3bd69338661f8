"""Reports of a HID interface by pyusb, for a kernel without hidraw.

libusb has no file that an event loop could watch, and its reads wait: a thread of its own passes
the reports on.
"""

from __future__ import annotations

import logging
import socket
import threading
from typing import Any

from drivers.hid_nodes import Identity
from drivers.hid_report import MAX_DESCRIPTOR, HidError, layout
from drivers.usb_find import wanted

log = logging.getLogger(__name__)

_HID_CLASS = 3
_INTERRUPT = 3
_REPORT_DESCRIPTOR = 0x22
_ASK_MILLISECONDS = 1000
_READ_MILLISECONDS = 200  # so long a thread outlives the line that was closed


def open_endpoint(identity: Identity, backend: Any = None) -> tuple[bytes, socket.socket]:
    """Report descriptor of the HID-POS interface, and a socket that gives a report for each read.

    The socket ends when the reader is pulled out. Raises OSError.
    """
    import usb.core
    import usb.util

    try:
        device = usb.core.find(**wanted(identity), backend=backend)
    except usb.core.NoBackendError as error:
        raise OSError(f"libusb: {error}") from None
    if device is None:
        raise OSError(f"no USB device {identity}")
    try:
        return _pumped(device)
    except BaseException:
        usb.util.dispose_resources(device)
        raise


def _pumped(device: Any) -> tuple[bytes, socket.socket]:
    for interface in device.get_active_configuration():
        if interface.bInterfaceClass != _HID_CLASS:
            continue
        number = interface.bInterfaceNumber
        taken = _detach(device, number)
        descriptor = _report_descriptor(device, number)
        inward = [end for end in interface if end.bEndpointAddress & 0x80]
        interrupt = [end for end in inward if end.bmAttributes & 3 == _INTERRUPT]
        try:
            largest = layout(descriptor).largest
        except HidError:  # another interface of the reader, as a keyboard
            if taken:
                _give_back(device, number)
            continue
        if interrupt:
            return descriptor, _start(device, interrupt[0], largest)
    raise OSError("the USB device is not in HID-POS mode")


def _detach(device: Any, interface: int) -> bool:
    """Take the interface from the kernel's own driver, which alone lets its report descriptor be
    read; whether there was one. A back-end may have no kernel."""
    try:
        if not device.is_kernel_driver_active(interface):
            return False
        device.detach_kernel_driver(interface)
    except NotImplementedError:
        return False
    return True


def _give_back(device: Any, interface: int) -> None:
    import usb.util

    usb.util.release_interface(device, interface)
    try:
        device.attach_kernel_driver(interface)
    except OSError as error:
        log.warning("HID interface %d stays without its driver: %s", interface, error)


def _report_descriptor(device: Any, interface: int) -> bytes:
    return bytes(
        device.ctrl_transfer(
            0x81, 6, _REPORT_DESCRIPTOR << 8, interface, MAX_DESCRIPTOR, _ASK_MILLISECONDS
        )
    )


def _start(device: Any, endpoint: Any, largest: int) -> socket.socket:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setblocking(False)
    theirs.setblocking(False)
    packet = endpoint.wMaxPacketSize
    length = -(-largest // packet) * packet  # a transfer ends with a short packet or when full
    arguments = (device, endpoint.bEndpointAddress, length, ours)
    threading.Thread(target=_pump, args=arguments, name="hid-pos", daemon=True).start()
    return theirs


def _pump(device: Any, address: int, length: int, out: socket.socket) -> None:
    """Until the device is gone or nobody reads ``out`` any more."""
    import usb.core
    import usb.util

    try:
        while not _hung_up(out):
            try:
                report = bytes(device.read(address, length, _READ_MILLISECONDS))
            except usb.core.USBTimeoutError:
                continue
            if report:
                _pass_on(report, out)
    except OSError as error:
        log.info("HID-POS reader: %s", error)
    finally:
        out.close()
        usb.util.dispose_resources(device)


def _pass_on(report: bytes, out: socket.socket) -> None:
    try:
        out.send(report)
    except BlockingIOError:
        log.warning("HID-POS reader: nobody takes its reports")


def _hung_up(out: socket.socket) -> bool:
    """Nothing is ever sent to this end: it is readable when the other one is closed."""
    try:
        return out.recv(1) == b""
    except BlockingIOError:
        return False
