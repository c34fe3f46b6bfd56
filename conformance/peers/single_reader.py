"""Answers that no other thread takes: `with single_reader(association): association.send_c_store(…)`.

pynetdicom 3.0.4 stops its own thread of the association before it waits for an answer, but may take it for stopped while it still has
a round to go; an answer that comes within that round is thrown away ("Received unexpected C-STORE service message"), and the sender waits
for nothing until its time is out. Here the thread itself says that it stands.
"""
from contextlib import contextmanager
from threading import Event


class Gate:
    """In the place of the event that the thread waits for before each round; what the `send_` methods say to it does not open it."""

    def __init__(self):
        self.reached, self.opened = Event(), Event()

    def wait(self):
        self.reached.set()
        self.opened.wait()

    def clear(self):
        pass

    def set(self):
        pass


@contextmanager
def single_reader(association):
    gate = Gate()
    association._reactor_checkpoint = gate
    if association.is_established:
        gate.reached.wait(10)
    try:
        yield association
    finally:
        gate.opened.set()
