"""Which answers invalidations have made void. Pure: it knows no clock and no Redis.

An answer bears the stamp of the newest invalidation that was known when it was asked for, and is
void if a newer one selects it. Stamps of one epoch are ordered; an answer of another epoch is void.
"""

from __future__ import annotations

from service.domain.kept import Kept, Selector

SELECTORS_MAX = 1024
EPOCH_MAX = 2**24 - 1
NUMBER_MAX = 2**27 - 1
"""Invalidations in one epoch."""
ALONE_MAX = 2**12 - 1
"""Invalidations between two numbers, of which only one replica knows."""

_NUMBER_SHIFT = ALONE_MAX.bit_length()
_EPOCH_SHIFT = _NUMBER_SHIFT + NUMBER_MAX.bit_length()
_Choice = tuple[str | None, str | None, str | None]
"""Tenant, namespace, model."""
_EVERYTHING: _Choice = (None, None, None)


def stamp(epoch: int, number: int, alone: int = 0) -> int:
    """63 bits. `alone` counts what only this replica knows, so that no two mean the same."""
    return (epoch << _EPOCH_SHIFT) | (number << _NUMBER_SHIFT) | alone


class Voids:
    """The invalidations of one epoch that are known, and how far: `generation` is the newest.

    More than SELECTORS_MAX become one that selects everything.
    """

    def __init__(self, epoch: int, number: int = 0) -> None:
        self.generation = stamp(epoch, number)
        self._before = stamp(epoch, 0)
        self._end = stamp(epoch + 1, 0)
        self._keys: dict[bytes, int] = {}
        self._choices: dict[_Choice, int] = {}
        self._shapes: set[tuple[bool, bool, bool]] = set()

    def __len__(self) -> int:
        return len(self._keys) + len(self._choices)

    def __repr__(self) -> str:
        return f"<Voids {len(self)} selectors, up to {self.generation:#x}>"

    def add(self, selector: Selector, number: int) -> None:
        """`number` is a stamp of this epoch. The newest of equal selectors counts."""
        self.generation = max(self.generation, number)
        tenant, namespace, model = choice = (selector.tenant, selector.namespace, selector.model)
        if selector.key is not None:
            self._keys[selector.key] = max(number, self._keys.get(selector.key, 0))
        elif choice == _EVERYTHING:
            self._forget_up_to(number)
        else:
            self._choices[choice] = max(number, self._choices.get(choice, 0))
            self._shapes.add((tenant is not None, namespace is not None, model is not None))
        if len(self) > SELECTORS_MAX:
            self._forget_up_to(self.generation)

    def is_void(self, key: bytes, kept: Kept) -> bool:
        """Takes as long as there are shapes of selectors, of which there are seven at most."""
        generation = kept.generation
        if self.generation <= generation < self._end:
            return False
        if not self._before <= generation < self._end:
            return True
        if self._keys and self._keys.get(key, 0) > generation:
            return True
        return bool(self._shapes) and self._is_chosen(kept, generation)

    def _is_chosen(self, kept: Kept, generation: int) -> bool:
        choices = self._choices
        for by_tenant, by_namespace, by_model in self._shapes:
            tenant = kept.tenant if by_tenant else None
            namespace = kept.namespace if by_namespace else None
            model = kept.model if by_model else None
            if choices.get((tenant, namespace, model), 0) > generation:
                return True
            if by_model:
                model = f"{kept.target.provider}/{kept.target.model}"
                if choices.get((tenant, namespace, model), 0) > generation:
                    return True
        return False

    def _forget_up_to(self, number: int) -> None:
        """Everything older is void, whoever selected it."""
        self._before = max(self._before, number)
        self._keys = {key: n for key, n in self._keys.items() if n > number}
        self._choices = {choice: n for choice, n in self._choices.items() if n > number}
