"""A pyusb back-end that reaches USB devices over USB/IP, without a kernel module.

With it the drivers' own pyusb code runs where there is no USB: in tests and against
:mod:`drivers.emulators.usbip_export`. It is handed to a driver by its maker and by nothing else;
no setting of a kiosk leads here.
"""

from __future__ import annotations

import errno
import itertools
import os
import socket
import struct
import time
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import usb.backend
import usb.core

from drivers.emulators import usbip_protocol as protocol
from drivers.emulators.usbip_protocol import Answer, Submit, Unlink

_CONTROL_SECONDS = 2.0


@dataclass
class _Remote:
    """A device as listed: its bus id and its descriptors, as read from it."""

    bus_id: bytes
    bus: int
    number: int
    device: bytes = b""
    configurations: list[bytes] = field(default_factory=list)


class _Handle:
    """An imported device: one transfer at a time."""

    def __init__(self, server: tuple[str, int], bus_id: bytes) -> None:
        self._wire = socket.create_connection(server, _CONTROL_SECONDS)
        self._wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sequence = itertools.count(1)
        request = protocol.OPERATION.pack(protocol.VERSION, protocol.REQ_IMPORT, 0)
        try:
            self._wire.sendall(request + bus_id)
            head = protocol.receive(self._wire, protocol.OPERATION.size)
            if protocol.OPERATION.unpack(head)[2]:
                raise OSError(errno.EBUSY, "the device is not to be had")
            protocol.receive(self._wire, protocol.DEVICE.size)
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        self._wire.close()

    def transfer(
        self,
        endpoint: int,
        *,
        inward: bool,
        length: int,
        data: bytes = b"",
        setup: bytes = bytes(8),
        seconds: float = _CONTROL_SECONDS,
    ) -> tuple[int, bytes]:
        """Bytes moved and, inward, the bytes. Raises usb.core.USBError, USBTimeoutError."""
        submit = Submit(next(self._sequence), endpoint & 0x0F, inward, length, setup)
        try:
            self._wire.settimeout(_CONTROL_SECONDS)
            self._wire.sendall(submit.pack(1) + data)
            answer, received = self._await(submit, seconds)
        except OSError as error:
            raise usb.core.USBError(f"USB/IP: {error}", errno=errno.ENODEV) from None
        if answer is None:
            raise usb.core.USBTimeoutError("the transfer timed out", errno=errno.ETIMEDOUT)
        if answer.status:
            raise usb.core.USBError(os.strerror(-answer.status), errno=-answer.status)
        return answer.length, received

    def _await(self, submit: Submit, seconds: float) -> tuple[Answer | None, bytes]:
        """The answer to ``submit``; None when it had to be given up."""
        try:
            return self._receive(submit, time.monotonic() + seconds)
        except TimeoutError:
            unlink = Unlink(next(self._sequence), submit.sequence)
            self._wire.settimeout(_CONTROL_SECONDS)
            self._wire.sendall(unlink.pack(1))
        # The transfer may have ended while it was being given up: then its data comes first.
        answer, data = self._receive(submit, time.monotonic() + _CONTROL_SECONDS)
        if answer.command == protocol.RET_UNLINK:
            return None, b""
        self._receive(submit, time.monotonic() + _CONTROL_SECONDS)
        return answer, data

    def _receive(self, submit: Submit, deadline: float) -> tuple[Answer, bytes]:
        """One message. Only its first byte is waited for until ``deadline``, the rest follows."""
        self._wire.settimeout(max(0.001, deadline - time.monotonic()))
        first = protocol.receive(self._wire, 1)
        self._wire.settimeout(_CONTROL_SECONDS)
        try:
            rest = protocol.receive(self._wire, protocol.HEADER_BYTES - 1)
            answer = protocol.parse_answer(first + rest)
            inward = submit.inward and answer.command == protocol.RET_SUBMIT
            return answer, protocol.receive(self._wire, answer.length) if inward else b""
        except TimeoutError:
            raise ConnectionResetError("half a message") from None

    def control(self, kind: int, request: int, value: int, index: int, data: Any) -> bytes | int:
        inward = bool(kind & 0x80)
        length = len(data)
        setup = struct.pack("<BBHHH", kind, request, value, index, length)
        body = b"" if inward else bytes(data)
        moved, received = self.transfer(0, inward=inward, length=length, data=body, setup=setup)
        return received if inward else moved

    def descriptor(self, kind: int, index: int, length: int) -> bytes:
        return bytes(self.control(0x80, 6, kind << 8 | index, 0, bytes(length)))


class UsbipBackend(usb.backend.IBackend):  # type: ignore[misc]
    """``server``: host and port of one USB/IP server."""

    def __init__(self, server: tuple[str, int]) -> None:
        self._server = server

    def enumerate_devices(self) -> Iterator[_Remote]:
        """Devices whose descriptors can be read now; none when the server is not there."""
        try:
            listed = self._list()
        except OSError:
            return
        for remote in listed:
            try:
                self._describe(remote)
            except OSError:
                continue  # unplugged in between, or another host's
            yield remote

    def _list(self) -> list[_Remote]:
        with socket.create_connection(self._server, _CONTROL_SECONDS) as wire:
            wire.sendall(protocol.OPERATION.pack(protocol.VERSION, protocol.REQ_DEVLIST, 0))
            protocol.receive(wire, protocol.OPERATION.size)
            (count,) = struct.unpack(">I", protocol.receive(wire, 4))
            found = []
            for _ in range(count):
                fields = protocol.DEVICE.unpack(protocol.receive(wire, protocol.DEVICE.size))
                protocol.receive(wire, protocol.INTERFACE.size * fields[-1])
                found.append(_Remote(fields[1], fields[2], fields[3]))
        return found

    def _describe(self, remote: _Remote) -> None:
        handle = _Handle(self._server, remote.bus_id)
        try:
            remote.device = handle.descriptor(1, 0, 18)
            for index in range(remote.device[17]):
                total = int.from_bytes(handle.descriptor(2, index, 9)[2:4], "little")
                remote.configurations.append(handle.descriptor(2, index, total))
        finally:
            handle.close()

    def get_device_descriptor(self, dev: _Remote) -> SimpleNamespace:
        names = (
            "bLength bDescriptorType bcdUSB bDeviceClass bDeviceSubClass bDeviceProtocol "
            "bMaxPacketSize0 idVendor idProduct bcdDevice iManufacturer iProduct iSerialNumber "
            "bNumConfigurations"
        )
        found = _named(names, "<BBHBBBBHHHBBBB", dev.device)
        found.address, found.bus = dev.number, dev.bus
        found.port_number, found.port_numbers, found.speed = None, None, None
        return found

    def get_configuration_descriptor(self, dev: _Remote, config: int) -> SimpleNamespace:
        if config >= len(dev.configurations):
            raise IndexError(f"configuration {config}")
        names = (
            "bLength bDescriptorType wTotalLength bNumInterfaces bConfigurationValue "
            "iConfiguration bmAttributes bMaxPower"
        )
        found = _named(names, "<BBHBBBBB", dev.configurations[config])
        found.extra_descriptors = []
        return found

    def get_interface_descriptor(
        self, dev: _Remote, intf: int, alt: int, config: int
    ) -> SimpleNamespace:
        return self._interfaces(dev, config, intf)[alt][0]

    def get_endpoint_descriptor(
        self, dev: _Remote, ep: int, intf: int, alt: int, config: int
    ) -> SimpleNamespace:
        return self._interfaces(dev, config, intf)[alt][1][ep]

    def _interfaces(
        self, dev: _Remote, config: int, number: int
    ) -> list[tuple[SimpleNamespace, list[SimpleNamespace]]]:
        """The alternate settings of one interface, each with its endpoints."""
        found: list[tuple[SimpleNamespace, list[SimpleNamespace]]] = []
        data = dev.configurations[config]
        while data:
            if data[1] == 4:
                found.append((_interface(data), []))
            elif data[1] == 5:
                found[-1][1].append(_endpoint(data))
            data = data[data[0] :]
        return [each for each in found if each[0].bInterfaceNumber == number] or _no_such(number)

    def open_device(self, dev: _Remote) -> _Handle:
        try:
            return _Handle(self._server, dev.bus_id)
        except OSError as error:
            raise usb.core.USBError(f"USB/IP: {error}", errno=errno.ENODEV) from None

    def close_device(self, dev_handle: _Handle) -> None:
        dev_handle.close()

    def set_configuration(self, dev_handle: _Handle, config_value: int) -> None:
        dev_handle.control(0x00, 9, config_value, 0, b"")

    def get_configuration(self, dev_handle: _Handle) -> int:
        return bytes(dev_handle.control(0x80, 8, 0, 0, bytes(1)))[0]

    def set_interface_altsetting(self, dev_handle: _Handle, intf: int, altsetting: int) -> None:
        dev_handle.control(0x01, 11, altsetting, intf, b"")

    def claim_interface(self, dev_handle: _Handle, intf: int) -> None:
        """The import is the claim: USB/IP gives a whole device to one host."""

    def release_interface(self, dev_handle: _Handle, intf: int) -> None:
        """Given back with the device."""

    def reset_device(self, dev_handle: _Handle) -> None:
        dev_handle.control(0x23, 3, 4, 0, b"")  # what a USB/IP host sends for a port reset

    def clear_halt(self, dev_handle: _Handle, ep: int) -> None:
        dev_handle.control(0x02, 1, 0, ep, b"")

    def bulk_write(self, dev_handle: _Handle, ep: int, intf: int, data: Any, timeout: int) -> int:
        body = bytes(data)
        return dev_handle.transfer(
            ep, inward=False, length=len(body), data=body, seconds=timeout / 1000
        )[0]

    def bulk_read(self, dev_handle: _Handle, ep: int, intf: int, buff: Any, timeout: int) -> int:
        moved, data = dev_handle.transfer(
            ep, inward=True, length=len(buff) * buff.itemsize, seconds=timeout / 1000
        )
        buff[:moved] = array("B", data)
        return moved

    def intr_read(self, dev_handle: _Handle, ep: int, intf: int, buff: Any, timeout: int) -> int:
        return self.bulk_read(dev_handle, ep, intf, buff, timeout)

    def ctrl_transfer(
        self,
        dev_handle: _Handle,
        bmRequestType: int,  # noqa: N803
        bRequest: int,  # noqa: N803
        wValue: int,  # noqa: N803
        wIndex: int,  # noqa: N803
        data: Any,
        timeout: int,
    ) -> int:
        moved = dev_handle.control(bmRequestType, bRequest, wValue, wIndex, data)
        if isinstance(moved, int):
            return moved
        data[: len(moved)] = array("B", moved)
        return len(moved)


def _named(names: str, form: str, data: bytes) -> SimpleNamespace:
    return SimpleNamespace(**dict(zip(names.split(), struct.unpack_from(form, data), strict=True)))


def _interface(data: bytes) -> SimpleNamespace:
    names = (
        "bLength bDescriptorType bInterfaceNumber bAlternateSetting bNumEndpoints "
        "bInterfaceClass bInterfaceSubClass bInterfaceProtocol iInterface"
    )
    found = _named(names, "<9B", data)
    found.extra_descriptors = []
    return found


def _endpoint(data: bytes) -> SimpleNamespace:
    names = "bLength bDescriptorType bEndpointAddress bmAttributes wMaxPacketSize bInterval"
    found = _named(names, "<BBBBHB", data)
    found.extra_descriptors, found.bRefresh, found.bSynchAddress = [], 0, 0
    return found


def _no_such(number: int) -> Any:
    raise IndexError(f"interface {number}")
