"""A local stand-in for the ChatGPT web backend (design §8, upstream §16).

It speaks plain HTTP on loopback, keeps its state in memory, and never contacts anybody. The whole
product can be tried and tested against it: `python -m sandbox`, or `SandboxServer` in process.
"""
