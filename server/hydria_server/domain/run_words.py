"""Display names of runs: `amber-heron-12`, easy to say and to tell apart."""

from __future__ import annotations

from typing import Final

ADJECTIVES: Final = (
    "agile", "amber", "ample", "azure", "balmy", "bold", "brave", "breezy", "bright", "brisk",
    "calm", "clear", "clever", "copper", "coral", "crisp", "curious", "daring", "deft", "dusty",
    "eager", "early", "earnest", "fair", "fancy", "fond", "frosty", "gentle", "glad", "golden",
    "grand", "hardy", "hazel", "honest", "humble", "ivory", "jolly", "keen", "kind", "light",
    "lively", "lucid", "merry", "mild", "misty", "modest", "neat", "nimble", "olive", "patient",
    "plain", "proud", "quick", "quiet", "ready", "rosy", "rustic", "scarlet", "silent", "silver",
    "steady", "sturdy", "tidy", "vivid",
)  # fmt: skip
NOUNS: Final = (
    "acorn", "anchor", "badger", "bay", "beacon", "birch", "bridge", "brook", "canyon", "cedar",
    "cliff", "cloud", "comet", "cove", "crane", "delta", "dune", "elm", "ember", "falcon",
    "fern", "finch", "fjord", "forest", "fox", "garden", "glacier", "grove", "harbor", "heron",
    "hill", "island", "ivy", "jar", "kite", "lagoon", "lantern", "lark", "maple", "marsh",
    "meadow", "moss", "oak", "orchard", "otter", "owl", "pebble", "pine", "plover", "pond",
    "prairie", "quartz", "rapids", "raven", "reef", "ridge", "river", "robin", "sail", "spruce",
    "summit", "tern", "valley", "willow",
)  # fmt: skip


def display_name(seed: int, number: int) -> str:
    """Return `adjective-noun-number`; the words are chosen by `seed`."""
    adjective = ADJECTIVES[seed % len(ADJECTIVES)]
    noun = NOUNS[seed // len(ADJECTIVES) % len(NOUNS)]
    return f"{adjective}-{noun}-{number}"
