"""What Yuefu is measured beside: nginx with a file of the same size, the bare ASGI server with a constant answer."""

import contextlib
import getpass
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.bare import ANSWER_VARIABLE
from bench.process import Server, free_port, running

NGINX_HINT = "nginx is not installed, so nothing is compared with it (Debian: apt-get install nginx-light)"
FILE_PATH = "/answer.json"
_NGINX_CONFIG = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
{user}
events {{ worker_connections 1024; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000000;
    types {{ application/json json; }}
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        root {folder};
    }}
}}
"""


def find_nginx() -> str | None:
    """The nginx program, None when there is none."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def nginx_version(program: str) -> str:
    """Its version number."""
    said = subprocess.run([program, "-v"], capture_output=True, text=True, check=True).stderr
    return re.sub(r".*nginx/(\S+).*", r"\1", said.strip())


@contextlib.contextmanager
def nginx(program: str, answer: bytes, folder: Path) -> Iterator[Server]:
    """A web server of one worker without a log, which has `answer` as a file at `FILE_PATH`."""
    folder.mkdir()
    (folder / FILE_PATH.removeprefix("/")).write_bytes(answer)
    port = free_port()
    user = f"user {getpass.getuser()};" if os.geteuid() == 0 else ""  # else its worker could not read the folder
    config = folder / "nginx.conf"
    config.write_text(_NGINX_CONFIG.format(folder=folder, port=port, user=user), encoding="utf-8")
    command = [program, "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(config)]
    with running(command, port=port, ready_path=FILE_PATH) as server:
        yield server


@contextlib.contextmanager
def bare_server(answer: bytes, folder: Path) -> Iterator[Server]:
    """The ASGI server with nothing behind it but `answer`."""
    folder.mkdir()
    file = folder / "answer"
    file.write_bytes(answer)
    port = free_port()
    command = [sys.executable, "-m", "bench.serving", "bench.bare:make_app", str(port)]
    with running(command, port=port, ready_path="/", environment={ANSWER_VARIABLE: str(file)}) as server:
        yield server
