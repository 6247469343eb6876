#!/usr/bin/python3
"""What a start costs: python3 runtimes/testing/measure.py LANGUAGE [INTERPRETER] [ROUNDS]

Times are as seen from outside, and the processor time of the child. Children
have waited 0.1 s for their function, as parked ones have; "at once" have not.
The environment is that of conftest.py; as root with SO_TEST_LAUNCHER in real
sandboxes.
"""

import shutil
import sys
import time

from conftest import Runtime
from zygote import code

NODE = "exports.handler = async (e) => { console.log('hi'); return { message: 'Hello ' + e.name } }"
PYTHON = "def handler(e, c):\n  print('hi')\n  return {'message': 'Hello ' + e['name']}"
EVENT = b'{"name":"World"}'


def cpu_ms(pid):
    with open(f"/proc/{pid}/schedstat", encoding="ascii") as file:
        return int(file.read().split()[0]) / 1e6


class Steps:
    """Times of the steps of many starts."""

    def __init__(self):
        self.rows = {}

    def run(self, name, pid, step):
        before, started = cpu_ms(pid), time.monotonic()
        result = step()
        self.add(name, (time.monotonic() - started) * 1e3)
        time.sleep(0.002)
        self.add(name + ", cpu", cpu_ms(pid) - before)
        return result

    def add(self, name, value):
        self.rows.setdefault(name, []).append(value)

    def show(self, title):
        for name, values in self.rows.items():
            values.sort()
            count = len(values)
            print(f"{title:8} {name:24} p10 {values[count // 10]:7.2f}  p50 {values[count // 2]:7.2f}  "
                  f"p99 {values[count * 99 // 100]:7.2f} ms")


def measure_starts(runtime, path, rounds, wait):
    steps = Steps()
    for _ in range(rounds):
        instance = runtime.fork()
        steps.add("fork to HELLO", (time.monotonic() - instance.started) * 1e3)
        time.sleep(wait)
        steps.run("CONFIG to READY", instance.pid, lambda: instance.load(path, runtime.handler))
        steps.run("first INVOKE to RESULT", instance.pid, lambda: instance.call(EVENT))
        steps.run("next INVOKE to RESULT", instance.pid, lambda: instance.call(EVENT))
        runtime.close_instances()
    return steps


def measure_memory(runtime, count):
    for _ in range(count):
        runtime.fork()
    time.sleep(0.5)
    pss = sum(instance.pss() for instance in runtime.instances) / count
    print(f"{count:4} idle: {pss / 1024:.2f} MB each (PSS)")
    runtime.close_instances()


def main():
    language = sys.argv[1]
    interpreter = sys.argv[2] if len(sys.argv) > 2 else shutil.which({"node": "node", "python": "python3"}[language])
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 200
    runtime = Runtime(language, interpreter)
    with code(**{runtime.file: runtime.pick(NODE, PYTHON)}) as path:
        runtime.fork().load(path, runtime.handler)
        runtime.close_instances()
        for title, wait in (("at once", 0), ("parked", 0.1)):
            measure_starts(runtime, path, rounds, wait).show(title)
    for count in (1, 10, 100):
        measure_memory(runtime, count)
    runtime.zygote.close()


if __name__ == "__main__":
    main()
