"""What became of motion capture on its way into a bank, in words."""

from flowlift.datasets.mocap_bank import Bank, SourceCount
from flowlift.datasets.mocap_cleaning import FAULTS

_FAULTS = {"not_finite": "not finite", "stretched": "stretched bones", "t_pose": "T-poses", "jump": "jumps"}


def in_words(bank: Bank) -> list[str]:
    """A line for each source, and for each thing that was left out."""
    return [
        *(f"{source.name}: {_counted(source)}" for source in bank.sources),
        *map("left out: {}".format, bank.left_out),
    ]


def _counted(source: SourceCount) -> str:
    again = f" ({source.repeated} repeat another conversion's)" if source.repeated else ""
    gone = [f"{count:,} {_FAULTS[fault]}" for fault, count in zip(FAULTS, source.dropped, strict=True) if count]
    dropped = f" ({', '.join(gone)})" if gone else ""
    return (
        f"{source.clips} clips{again}, {source.read:,} frames read, {sum(source.dropped):,} dropped{dropped}, "
        f"distinct poses: {source.train:,} to train on, {source.val:,} held out"
    )
