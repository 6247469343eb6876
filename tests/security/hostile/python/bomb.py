"""Takes all there is of something: event["of"] says of what."""

import errno
import os
import threading
import time

BLOCK = bytes(1 << 20)


def handler(event, context):
    print(f"about to take all the {event['of']}")
    return globals()["take_" + event["of"]]()


def stopped(count, error):
    return {"count": count, "stopped": errno.errorcode.get(error.errno, str(error))}


def take_nothing():
    return os.readlink("/proc/self/ns/pid")


def take_processes():
    """Each child forks on, in a session of its own, and nobody ever stops."""
    while True:
        try:
            if os.fork() == 0:
                os.setsid()
        except OSError:
            continue


def take_children():
    """Counts the children it can have at a time, then lets them go."""
    children = []
    try:
        while True:
            pid = os.fork()
            if pid == 0:
                time.sleep(60)
                os._exit(0)
            children.append(pid)
    except OSError as error:
        return stopped(len(children), error)
    finally:
        for pid in children:
            os.kill(pid, 9)
            os.waitpid(pid, 0)


def take_threads():
    release = threading.Event()
    threads = []
    try:
        while True:
            thread = threading.Thread(target=release.wait)
            thread.start()
            threads.append(thread)
    except RuntimeError:  # What python makes of EAGAIN.
        return {"count": len(threads), "stopped": "EAGAIN"}
    finally:
        release.set()
        for thread in threads:
            thread.join()


def take_memory():
    taken = []
    while True:
        taken.append(bytearray(os.urandom(4096) * 256))


def take_descriptors():
    taken = []
    try:
        while True:
            taken.append(os.open("/dev/null", os.O_RDONLY))
    except OSError as error:
        return stopped(len(taken), error)
    finally:
        for fd in taken:
            os.close(fd)


def take_disk():
    written = 0
    try:
        for number in range(10_000):
            with open(f"/tmp/{number}", "wb", buffering=0) as file:
                for _ in range(64):
                    written += file.write(BLOCK) >> 20
    except OSError as error:
        return stopped(written, error)


def take_inodes():
    made = 0
    try:
        while True:
            os.close(os.open(f"/tmp/{made}", os.O_CREAT | os.O_WRONLY))
            made += 1
    except OSError as error:
        return stopped(made, error)


def take_log():
    line = b"x" * 99_999 + b"\n"
    for _ in range(2_000):
        os.write(1, line)
    return "printed"


def take_cpu():
    for _ in range(4):
        if os.fork() == 0:
            break
    while True:
        pass


def take_rest():
    """Answers, and leaves a process behind that nobody waits for."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(600)
        os._exit(0)
    os.wait()
    return "left one behind"
