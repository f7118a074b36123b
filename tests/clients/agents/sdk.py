"""An agent written with the vendors' libraries: sdk.py DOING BASE_URL KEY."""

import sys

import anthropic
import openai

doing, base_url, key = sys.argv[1:]


def say(*words):
    print(*words, flush=True)


def ask(stream):
    if doing.startswith("anthropic"):
        client = anthropic.Anthropic(base_url=base_url, api_key=key)
        question = [{"role": "user", "content": "hi"}]
        return client.messages.create(
            model="m", max_tokens=16, messages=question, stream=stream
        )
    client = openai.OpenAI(base_url=base_url, api_key=key)
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
    except (anthropic.APIStatusError, openai.APIStatusError) as refusal:
        # One library shows the body as text, the other keeps it as an attribute.
        say(type(refusal).__name__, refusal.status_code, refusal, refusal.body)
