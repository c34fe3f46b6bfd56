"""A small DICOM upper layer for measuring: both ends of an association on raw sockets (PS3.8 §9, PS3.7 §6.3 and §9).

Messages are encoded before the clock starts, Nagle's algorithm is off and answers are acknowledged at once, so that what is measured is the
peer. Data sets pass through in blocks: whatever their length, no more than a block is in memory.
"""
import contextlib
import socket
import struct
import threading

VERIFICATION = "1.2.840.10008.1.1"
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
IMPLEMENTATION = "2.25.198472630174650198237461528374650192837"
MAX_PDU = 256 * 1024

C_STORE_RQ, C_ECHO_RQ, RESPONSE = 0x0001, 0x0030, 0x8000
DATA_SET, NO_DATA_SET = 0x0001, 0x0101
P_DATA, RELEASE_RQ, RELEASE_RP = 4, 5, 6


class Refused(Exception):
    """A-ASSOCIATE-RJ: (result, source, reason) of PS3.8 §9.3.4."""


def command(field, sop_class, message, data_set, instance="", status=None):
    """A command set in Implicit VR Little Endian (PS3.7 §6.3.1)."""
    def element(number, value):
        return struct.pack("<HHI", 0, number, len(value)) + value

    def uid(text):
        return text.encode() + b"\0" * (len(text) % 2)

    body = element(0x0002, uid(sop_class)) + element(0x0100, struct.pack("<H", field))
    body += element(0x0120 if field & RESPONSE else 0x0110, struct.pack("<H", message))
    if field == C_STORE_RQ:
        body += element(0x0700, struct.pack("<H", 0))
    body += element(0x0800, struct.pack("<H", data_set))
    if status is not None:
        body += element(0x0900, struct.pack("<H", status))
    if instance:
        body += element(0x1000, uid(instance))
    return element(0x0000, struct.pack("<I", len(body))) + body


def elements(data):
    """{element number: value} of a command set."""
    found, at = {}, 0
    while at + 8 <= len(data):
        _, number, length = struct.unpack_from("<HHI", data, at)
        found[number] = data[at + 8:at + 8 + length]
        at += 8 + length
    return found


def number(of, element):
    return struct.unpack("<H", of[element])[0]


def p_data(context, fragment, is_command, is_last):
    """Head of a P-DATA-TF with one PDV (PS3.8 §9.3.5); the fragment follows it."""
    return struct.pack(">BBIIBB", P_DATA, 0, fragment + 6, fragment + 2, context, is_command | is_last << 1)


def message(context, command_set):
    return p_data(context, len(command_set), True, True) + command_set


def _item(kind, value):
    return struct.pack(">BBH", kind, 0, len(value)) + value


def _items(data):
    at = 0
    while at + 4 <= len(data):
        kind, _, length = struct.unpack_from(">BBH", data, at)
        yield kind, data[at + 4:at + 4 + length]
        at += 4 + length


def _user_information():
    return _item(0x50, _item(0x51, MAX_PDU.to_bytes(4, "big")) + _item(0x52, IMPLEMENTATION.encode()))


def association_request(called, calling, contexts):
    """A-ASSOCIATE-RQ; contexts are (abstract syntax, transfer syntax), their ids 1, 3, 5, …"""
    body = b"\0\1\0\0" + called.encode().ljust(16) + calling.encode().ljust(16) + bytes(32)
    body += _item(0x10, b"1.2.840.10008.3.1.1.1")
    for index, (abstract, transfer) in enumerate(contexts):
        names = _item(0x30, abstract.encode()) + _item(0x40, transfer.encode())
        body += _item(0x20, bytes([2 * index + 1, 0, 0, 0]) + names)
    body += _user_information()
    return struct.pack(">BBI", 1, 0, len(body)) + body


class Stream:
    """A connected socket that reads whole PDUs into one buffer."""

    def __init__(self, connected):
        self.socket = connected
        self.buffer = memoryview(bytearray(1 << 20))
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def exactly(self, length):
        """The next bytes; valid until the next call."""
        if length > len(self.buffer):
            raise ConnectionError(f"a PDU of {length} bytes")
        read = 0
        while read < length:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            got = self.socket.recv_into(self.buffer[read:length])
            if not got:
                raise ConnectionError("closed by the peer")
            read += got
        return self.buffer[:length]

    def pdu(self):
        """(type, body)"""
        kind, _, length = struct.unpack(">BBI", self.exactly(6))
        return kind, self.exactly(length)


class Association(Stream):
    """The requesting side."""

    def __init__(self, port, called, calling, contexts, timeout=60, host="127.0.0.1"):
        super().__init__(socket.create_connection((host, port), timeout))
        self.socket.sendall(association_request(called, calling, contexts))
        kind, body = self.pdu()
        if kind != 2:
            self.socket.close()
            raise Refused(*body[1:4])
        self.accepted, self.peer_pdu = set(), 16384
        for item, value in _items(bytes(body[68:])):
            if item == 0x21 and value[2] == 0:
                self.accepted.add(value[0])
            elif item == 0x50:
                sizes = [int.from_bytes(sub, "big") for kind, sub in _items(value) if kind == 0x51]
                self.peer_pdu = sizes[0] or MAX_PDU

    def answer(self):
        """Status of the next response."""
        kind, body = self.pdu()
        if kind != P_DATA:
            raise ConnectionError(f"PDU type {kind} instead of a response")
        return number(elements(bytes(body[6:])), 0x0900)

    def store(self, context, sop_class, instance, blocks):
        """C-STORE of a data set that comes in blocks; its status."""
        if context not in self.accepted:
            raise ConnectionError("the presentation context was not accepted")
        request = command(C_STORE_RQ, sop_class, 1, DATA_SET, instance)
        self.socket.sendall(message(context, request))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        size, waiting = min(self.peer_pdu, MAX_PDU) - 6, b""
        for block in blocks:
            view = memoryview(waiting + block if waiting else block)
            # one byte at least stays behind: it goes with the flag of the last fragment
            whole = max(len(view) - 1, 0) // size
            for index in range(whole):
                fragment = view[index * size:(index + 1) * size]
                self.socket.sendall(p_data(context, size, False, False))
                self.socket.sendall(fragment)
            waiting = bytes(view[whole * size:])
        self.socket.sendall(p_data(context, len(waiting), False, True) + waiting)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)
        return self.answer()

    def release(self):
        self.socket.sendall(struct.pack(">BBII", RELEASE_RQ, 0, 4, 0))
        self.pdu()
        self.socket.close()


class Acceptor(threading.Thread):
    """A storage SCP that hands the fragments of each data set to `sink(fragment, is_last)`, which answers the status at the last one. The
    fragments of several associations come mixed."""

    def __init__(self, sink):
        super().__init__(daemon=True)
        self.sink, self.listener = sink, socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self):
        while True:
            connected, _ = self.listener.accept()
            threading.Thread(target=self._one, args=(connected,), daemon=True).start()

    def _one(self, connected):
        with connected, contextlib.suppress(ConnectionError):  # the peer tries again, or its test fails for want of an arrival
            self._serve(Stream(connected))

    def _accept(self, stream):
        kind, body = stream.pdu()
        if kind != 1:
            raise ConnectionError("no A-ASSOCIATE-RQ")
        answer = bytes(body[:68]) + _item(0x10, b"1.2.840.10008.3.1.1.1")
        for item, value in _items(bytes(body[68:])):
            if item == 0x20:
                transfer = next(sub for kind, sub in _items(value[4:]) if kind == 0x40)
                answer += _item(0x21, bytes([value[0], 0, 0, 0]) + _item(0x40, transfer))
        answer += _user_information()
        stream.socket.sendall(struct.pack(">BBI", 2, 0, len(answer)) + answer)

    def _serve(self, stream):
        self._accept(stream)
        request = b""
        while True:
            kind, body = stream.pdu()
            if kind == RELEASE_RQ:
                stream.socket.sendall(struct.pack(">BBII", RELEASE_RP, 0, 4, 0))
                return
            if kind != P_DATA:
                return
            at = 0
            while at + 6 <= len(body):
                length, context, flags = struct.unpack_from(">IBB", body, at)
                fragment = body[at + 6:at + 4 + length]
                at += 4 + length
                if flags & 1:
                    request += fragment
                    asked = elements(request) if flags & 2 else None
                    if asked and number(asked, 0x0800) == NO_DATA_SET:
                        self._answer(stream, context, asked, 0)
                        request = b""
                elif flags & 2:
                    self._answer(stream, context, elements(request), self.sink(fragment, True))
                    request = b""
                else:
                    self.sink(fragment, False)

    @staticmethod
    def _answer(stream, context, asked, status):
        text = {key: asked.get(key, b"").rstrip(b"\0").decode() for key in (0x0002, 0x1000)}
        response = command(number(asked, 0x0100) | RESPONSE, text[0x0002], number(asked, 0x0110), NO_DATA_SET, text[0x1000], status)
        stream.socket.sendall(message(context, response))
