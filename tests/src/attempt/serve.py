"""An agent that does what it is told: each line is a command, each answer what came of it."""
import json
import subprocess
import sys

print("the agent runs", flush=True)
for line in sys.stdin:
    try:
        said = subprocess.run(json.loads(line), stdin=subprocess.DEVNULL, capture_output=True)
        code, out, err = said.returncode, said.stdout, said.stderr
    except OSError as error:
        code, out, err = 127, b"", str(error).encode()
    answer = {"code": code, "stdout": out.decode(errors="replace"), "stderr": err.decode(errors="replace")}
    print(json.dumps(answer), flush=True)
