"""A mail server with aiosmtpd: mail_sink.py PORT FOLDER [CERTIFICATE KEY]

Each message becomes FOLDER/N.eml as it came. With a certificate nothing is taken before STARTTLS (RFC 3207).
"""
import asyncio
import ssl
import sys
from itertools import count
from pathlib import Path

from aiosmtpd.smtp import SMTP

PORT, FOLDER = int(sys.argv[1]), Path(sys.argv[2])
NUMBER = count(1)


class Sink:
    async def handle_DATA(self, _server, session, envelope):
        path = FOLDER / f"{next(NUMBER)}.part"
        path.write_bytes(b"X-Tls: %s\r\n" % (b"yes" if session.ssl else b"no") + envelope.content)
        path.rename(path.with_suffix(".eml"))
        return "250 taken"


async def main():
    tls = None
    if len(sys.argv) > 3:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(sys.argv[3], sys.argv[4])
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(Sink(), tls_context=tls, require_starttls=tls is not None, loop=loop), "127.0.0.1", PORT)
    await server.serve_forever()


asyncio.run(main())
