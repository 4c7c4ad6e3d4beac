"""A proxy that ends TLS, asks for a certificate and tells of it as RFC 9440 says."""

import contextlib
import http.client
import ssl
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.certified import Certificate, item
from tests.tls import certificate as server_certificate

HOP = {"connection", "keep-alive", "transfer-encoding", "client-cert", "client-cert-chain"}


class CertifyingProxy:
    """Passes requests on to a plain port, with the certificate of whoever sent them."""

    def __init__(self, port: int, folder: Path, *, known: Sequence[Certificate]) -> None:
        self.port, self.to = port, 0
        self.certificate, key = server_certificate(folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        context.verify_mode = ssl.CERT_OPTIONAL
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # what a service signed itself, too
        for one in known:
            context.load_verify_locations(cadata=one.content)
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """No further connection is taken."""
        self._server.shutdown()
        self._server.server_close()

    def _handler(proxy: "CertifyingProxy") -> type[BaseHTTPRequestHandler]:  # noqa: N805 - the handler has a self
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _pass_on(self) -> None:
                sent = {k: v for k, v in self.headers.items() if k.lower() not in HOP}
                shown = self.connection.getpeercert(binary_form=True)  # type: ignore[attr-defined] # of a TLS connection
                if shown:
                    sent["Client-Cert"] = item(shown)
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                inside = http.client.HTTPConnection("127.0.0.1", proxy.to, timeout=30)
                with contextlib.closing(inside):
                    inside.request(self.command, self.path, body=body or None, headers=sent)
                    answer = inside.getresponse()
                    content = answer.read()
                self.send_response(answer.status)
                for name, text in answer.headers.items():
                    if name.lower() not in HOP | {"content-length", "date", "server"}:
                        self.send_header(name, text)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_DELETE = do_PUT = _pass_on  # noqa: N815 - as http.server calls them

            def log_message(self, *_said: object) -> None:
                """Nothing is written down."""

        return Handler
