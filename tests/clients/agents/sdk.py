"""An agent written with a vendor's library: sdk.py LIBRARY[-stream] BASE_URL KEY."""

import importlib
import sys

doing, base_url, key = sys.argv[1:]
name = doing.removesuffix("-stream")
# Only the one that is asked for: each takes a second to load.
library = importlib.import_module(name)


def say(*words):
    print(*words, flush=True)


def ask(stream):
    if name == "anthropic":
        client = library.Anthropic(base_url=base_url, api_key=key)
        question = [{"role": "user", "content": "hi"}]
        return client.messages.create(
            model="m", max_tokens=16, messages=question, stream=stream
        )
    client = library.OpenAI(base_url=base_url, api_key=key)
    return client.responses.create(model="m", input="hi", stream=stream)


def text_of(event):
    delta = getattr(event, "delta", "")
    return delta if isinstance(delta, str) else getattr(delta, "text", None) or ""


if doing.endswith("-stream"):
    events = ask(stream=True)
    say("open")
    for event in events:
        say(event.type, text_of(event))
    say("end")
else:
    try:
        ask(stream=False)
    except library.APIStatusError as refusal:
        # One library shows the body as text, the other keeps it as an attribute.
        say(type(refusal).__name__, refusal.status_code, refusal, refusal.body)
