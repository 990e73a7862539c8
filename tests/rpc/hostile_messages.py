"""Random messages of any type: half of their fields sensible, the others hostile."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence

from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

_TEXTS = (
    "", " ", "a", "a/b", "../x", "x" * 129, "x" * 5000, "\0", "é", "e\u0301", "\u202e", "latest",
    "v0", "v007", "v99999999999999999999", "*", "%", "e/p/c@blake3:00", "e/p/c:", ":", "@", "{}",
    "[]", '{"a":NaN}', "[" * 3000, "name = ", "NOT" * 50, "((((", "type:*", "created_at desc,,",
    "bm90IGEgdG9rZW4=", "-", "a\\b", "a//b", "\U0001f426" * 128, "'; DROP TABLE version; --",
)  # fmt: skip
_BYTES = (b"", b"\0", b"x" * 31, b"x" * 32, b"x" * 33, b"\xff" * 64, b"HYRC\x01", b"y" * 70_000)
_INTEGERS = (0, 1, 2, 3, 7, 100, 1001, 65_536, 2**31 - 1)
_WIDE = {
    FieldDescriptor.TYPE_UINT32: 2**32 - 1,
    FieldDescriptor.TYPE_INT64: -(2**63),
    FieldDescriptor.TYPE_UINT64: 2**64 - 1,
    FieldDescriptor.TYPE_FIXED64: 2**64 - 1,
    FieldDescriptor.TYPE_INT32: -1,
}

Known = Mapping[str, Sequence[str | bytes]]


class HostileMessages:
    """Makes messages; `known` has values that mean something to the server, by field name."""

    def __init__(self, seed: int, known: Known) -> None:
        self._random = random.Random(seed)
        self._known = known

    def make(self, descriptor: Descriptor, *, depth: int = 0) -> Message:
        """Return a message of that type."""
        message = message_factory.GetMessageClass(descriptor)()
        for field in descriptor.fields:
            if self._random.random() < 0.2:
                continue
            if field.message_type is not None:
                self._add_messages(message, field, depth)
            elif field.is_repeated:
                values = [self._value(field) for _ in range(self._random.randrange(4))]
                getattr(message, field.name).extend(values)
            else:
                setattr(message, field.name, self._value(field))
        return message

    def _add_messages(self, message: Message, field: FieldDescriptor, depth: int) -> None:
        if depth > 3 or field.message_type is None:
            return
        if field.is_repeated:
            for _ in range(self._random.randrange(4)):
                made = self.make(field.message_type, depth=depth + 1)
                getattr(message, field.name).add().CopyFrom(made)
        else:
            made = self.make(field.message_type, depth=depth + 1)
            getattr(message, field.name).CopyFrom(made)

    def _value(self, field: FieldDescriptor) -> str | bytes | int | bool:
        known = self._known.get(field.name, ())
        if known and self._random.random() < 0.6:
            return self._random.choice(known)
        choices: Mapping[int, Callable[[], str | bytes | int | bool]] = {
            FieldDescriptor.TYPE_STRING: lambda: self._random.choice(_TEXTS),
            FieldDescriptor.TYPE_BYTES: lambda: self._random.choice(_BYTES),
            FieldDescriptor.TYPE_BOOL: lambda: self._random.random() < 0.5,
            FieldDescriptor.TYPE_ENUM: lambda: self._random.randrange(3),
        }
        numbers = (*_INTEGERS, _WIDE.get(field.type, 5))
        return choices.get(field.type, lambda: self._random.choice(numbers))()
