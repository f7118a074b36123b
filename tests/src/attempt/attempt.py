"""One attempt to get out: attempt.py NAME ARGUMENT...

Says one line of JSON: whether it succeeded, and what happened. The same program runs in a
bottle, where it must fail, and outside, where it must not.
"""
import ctypes
import errno
import fcntl
import json
import os
import socket
import struct
import sys
import termios

PATIENCE = 4.0


def tcp(host, port):
    with socket.create_connection((host, int(port)), PATIENCE) as stream:
        return stream.getpeername()[0]


def http(host, port):
    with socket.create_connection((host, int(port)), PATIENCE) as stream:
        stream.sendall(b"GET / HTTP/1.1\r\nHost: cred-proxy:9099\r\nConnection: close\r\n\r\n")
        stream.settimeout(PATIENCE)
        return stream.recv(200).split(b"\r\n")[0].decode()


def name(host):
    return socket.getaddrinfo(host, 80)[0][4][0]


def resolver(address, host):
    """Straight to a resolver, past the one of /etc/resolv.conf (RFC 1035, section 4.1)."""
    labels = b"".join(bytes([len(part)]) + part.encode() for part in host.split("."))
    question = b"\x62\x74\x01\x00\x00\x01" + bytes(6) + labels + b"\x00\x00\x01\x00\x01"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stream:
        stream.settimeout(PATIENCE)
        stream.connect((address, 53))
        stream.send(question)
        return socket.inet_ntoa(stream.recv(512)[-4:])


def needles(arguments):
    # Turned round, so that the search does not find itself.
    return [bytes.fromhex(text[::-1]) for text in arguments]


def processes(*arguments):
    """Reads what every process was started with and in."""
    wanted = needles(arguments)
    seen = 0
    for process in filter(str.isdigit, os.listdir("/proc")):
        for part in ("environ", "cmdline"):
            try:
                with open(f"/proc/{process}/{part}", "rb") as file:
                    text = file.read()
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue
            seen += 1
            if any(needle in text for needle in wanted):
                return f"/proc/{process}/{part}"
    raise LookupError(f"not in {seen} files")


def files(root, *arguments):
    """Reads every file below a folder, but for the kernel's own and for -FOLDER."""
    without = ("/proc", "/sys", *(one[1:] for one in arguments if one[0] == "-"))
    wanted = needles(one for one in arguments if one[0] != "-")
    longest = max(map(len, wanted))
    seen = 0
    for folder, folders, names in os.walk(root):
        folders[:] = [one for one in folders if os.path.join(folder, one) not in without]
        for one in names:
            path = os.path.join(folder, one)
            try:
                if not os.path.isfile(path):
                    continue
                with open(path, "rb") as file:
                    seen += 1
                    tail = b""
                    while piece := file.read(1 << 20):
                        piece = tail + piece
                        if any(needle in piece for needle in wanted):
                            return path
                        tail = piece[-longest:]
            except OSError:
                continue
    raise LookupError(f"not in {seen} files")


def trace(process):
    """Becomes the tracer of a process (PTRACE_SEIZE), and lets it go by ending."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    libc.ptrace.restype = ctypes.c_long
    if libc.ptrace(0x4206, int(process), None, None) != 0:
        raise OSError(ctypes.get_errno(), "ptrace")
    return "traced"


def memory(process):
    with open(f"/proc/{process}/mem", "rb") as file:
        return str(file.fileno() > 0)


def type_in(path, text):
    """Types into a terminal as if its user had."""
    terminal = os.open(path, os.O_RDWR)
    for octet in text.encode():
        fcntl.ioctl(terminal, termios.TIOCSTI, struct.pack("B", octet))
    return f"{len(text)} octets"


def unix(path):
    """A socket of the file system, or of a network namespace: @NAME (unix(7))."""
    with socket.socket(socket.AF_UNIX) as stream:
        stream.settimeout(PATIENCE)
        stream.connect("\0" + path[1:] if path[0] == "@" else path)
        stream.sendall(b"GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n")
        return stream.recv(100).split(b"\r\n")[0].decode()


def raw(kind):
    families = {
        "icmp": (socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP),
        "packet": (socket.AF_PACKET, socket.SOCK_RAW, 0),
    }
    socket.socket(*families[kind]).close()
    return kind


def write(path):
    with open(path, "w") as file:
        file.write("#!/bin/sh\n")
    return path


def rename(old, new):
    os.rename(old, new)
    return new


def link(target, path):
    os.symlink(target, path)
    return path


def remove(path):
    os.rmdir(path)
    return path


def mount(source, target):
    libc = ctypes.CDLL(None, use_errno=True)
    flags = 4096  # MS_BIND
    if libc.mount(source.encode(), target.encode(), None, flags, None) != 0:
        raise OSError(ctypes.get_errno(), "mount")
    return target


def namespace(kind="user"):
    """Leaves a namespace for a new one (unshare(2))."""
    flags = {"user": 0x10000000, "mount": 0x00020000, "net": 0x40000000, "pid": 0x20000000}
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(flags[kind]) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    return f"a {kind} namespace"


def hypervisor():
    """A socket to whatever runs this machine, which no network namespace holds."""
    socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM).close()
    return "a socket"


def keyring():
    """The user's own keyring (keyctl(2)), asked for its number."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    number = {"x86_64": 250, "aarch64": 219}[os.uname().machine]
    if libc.syscall(number, 0, -4, 1) < 0:  # KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING
        raise OSError(ctypes.get_errno(), "keyctl")
    return "a keyring"


def open_to_write(path):
    """Opens and writes nothing: what stands there may be obeyed by the whole machine."""
    os.close(os.open(path, os.O_WRONLY))
    return path


def there(path):
    return f"mode {os.stat(path).st_mode:o}"


def signal(process):
    """Asks whether a signal would be sent."""
    os.kill(int(process), 0)
    return "a process"


def descriptors(*processes):
    """The descriptors of this process and of these, but for their streams, and for the counter
    by which bubblewrap hears of its agent's end."""
    more = []
    for process in ("self", *processes):
        for number in os.listdir(f"/proc/{process}/fd"):
            try:
                leads = os.readlink(f"/proc/{process}/fd/{number}")
            except FileNotFoundError:
                continue  # the one that the list was read through
            if int(number) > 2 and (process == "self" or leads != "anon_inode:[eventfd]"):
                more.append(f"{process}:{number} {leads}")
    if more:
        return ", ".join(more)
    raise LookupError("none more")


def main():
    attempt = globals()[sys.argv[1]]
    try:
        done, why = True, attempt(*sys.argv[2:])
    except socket.gaierror as error:
        done, why = False, {value: key for key, value in vars(socket).items() if key[:4] == "EAI_"}[error.errno]
    except TimeoutError:
        done, why = False, "ETIMEDOUT"
    except OSError as error:
        done, why = False, errno.errorcode.get(error.errno, str(error))
    except LookupError as error:
        done, why = False, str(error)
    print(json.dumps({"done": done, "why": why}))


main()
