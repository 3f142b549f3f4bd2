"""The gallery with 10,000 pictures: how long it takes to write, to page and to search.

Run with `python -m benchmarks.gallery [rows]`. Rows are synthetic, their files absent; a few real
pictures are made for the figures of saving, scanning and thumbnails. Bars: a page of 200 in 10 ms,
a search by words in 20 ms, at the 95th percentile. Those are in processor time of the thread that
asks, for a busy machine lengthens the clock's; writing and files are by the clock. A fifth of the
prompts are Chinese.
"""

import random
import re
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from app.engine.types import Sampler, Schedule
from app.generation.messages import Finished, Pixels, Timings
from app.generation.request import ResolvedRequest
from app.library.gallery import PAGE, Gallery
from app.library.gallery_entry import Flag, GalleryEntry, GalleryQuery, Order
from app.library.gallery_rows import GalleryRows, PictureRow
from app.library.gallery_schema import joined_loras
from app.library.thumbnails import thumbnail

ROWS = 10_000
ROUNDS = 60
PICTURES = 24
PAGE_BAR_MS, SEARCH_BAR_MS = 10.0, 20.0
SIDE = 512
WORDS = re.findall(
    r"\w+",
    "a the of in with portrait photo painting landscape fox whale mountain sea city night light"
    " morning red blue green golden misty detailed soft sharp cinematic studio ancient tiny giant"
    " forest river castle robot astronaut cat dog bird flower tree snow rain storm calm bright",
)
CHINESE = ["雪中的狐狸", "红苹果", "黄色背景", "蓝色汽车", "森林里的小屋", "戴皇冠的猫", "像素画"]


def main() -> int:
    """Prints the figures; 1 if a bar is missed."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    with tempfile.TemporaryDirectory() as home:
        database = Path(home, "data", "gallery.sqlite3")
        _print_inserts(database, _synthetic_rows(rows))
        print(f"database: {database.stat().st_size / 2**20:.1f} MiB")
        begin = time.perf_counter()
        with Gallery(Path(home, "pictures"), database) as gallery:
            print(f"open: {(time.perf_counter() - begin) * 1e3:.1f} ms")
            kept = _print_pages(gallery) & _print_searches(gallery)
            _print_changes(gallery)
            _print_files(gallery, Path(home, "cache"))
    return 0 if kept else 1


def _synthetic_rows(count: int) -> list[PictureRow]:
    numbers = random.Random(1)
    models = [f"model {number}" for number in range(40)]
    rows = []
    for number in range(count):
        words = (
            "、".join(numbers.choices(CHINESE, k=numbers.randrange(3, 20)))
            if number % 5 == 0
            else " ".join(numbers.choices(WORDS, k=numbers.randrange(10, 70)))
        )
        rows.append(
            PictureRow(
                folder=f"/pictures/day-{number // 100}",
                name=f"{number % 100 + 1:05}-{number}.png",
                created_at=1.7e9 + number * 60 + numbers.random(),
                modified_ns=number,
                size_bytes=500_000,
                width=SIDE,
                height=SIDE,
                prompt=f"{words} subject{number % 997}",
                negative_prompt="blurry, low quality, bad hands, text",
                model=numbers.choice(models),
                model_hash="0123456789",
                loras=joined_loras((f"lora {number % 30}",) if number % 3 == 0 else ()),
                seed=str(number),
                steps=20,
                cfg_scale=7.0,
                sampler="dpmpp_2m",
                schedule="karras",
                program="Aquatint",
                request_json='{"prompt": "' + words + '", "steps": 20}',
                rating=numbers.choice((0, 0, 0, 0, 3, 4, 5)),
                flag=numbers.choice((Flag.NONE, Flag.NONE, Flag.PICK, Flag.REJECT)),
            )
        )
    return rows


def _print_inserts(database: Path, rows: list[PictureRow]) -> None:
    store = GalleryRows(database)
    single = [_elapsed_ms(partial(store.put, [row])) for row in rows[:200]]
    begin = time.perf_counter()
    for first in range(200, len(rows), 100):
        store.put(rows[first : first + 100])
    rate = (len(rows) - 200) / (time.perf_counter() - begin)
    store.close()
    _print("insert of one row", single)
    print(f"insert, 100 rows at once: {rate:,.0f} rows/s")


def _print_pages(gallery: Gallery) -> bool:
    kept = True
    for order in Order:
        query, times = GalleryQuery(order=order), list[float]()
        after: GalleryEntry | None = None
        while True:
            begin = time.thread_time()
            page = gallery.search(query, after=after)
            times.append((time.thread_time() - begin) * 1e3)
            if not page:
                break
            after = page[-1]
        kept &= _print(f"page of {PAGE}, {order}, all in turn", times, PAGE_BAR_MS)
    ids = [each for each, _ in gallery.dated_ids(GalleryQuery())]
    _print(
        "ids of all",
        [_elapsed_ms(lambda: gallery.dated_ids(GalleryQuery())) for _ in range(ROUNDS)],
    )
    numbers = random.Random(2)
    times = []
    for _ in range(ROUNDS):
        first = numbers.randrange(max(1, len(ids) - PAGE))
        wanted = ids[first : first + PAGE]
        times.append(_worked_ms(partial(gallery.entries, wanted)))
    return _print(f"{PAGE} entries anywhere", times, PAGE_BAR_MS) and kept


def _print_searches(gallery: Gallery) -> bool:
    numbers = random.Random(3)
    kept = True

    def word() -> str:
        return str(numbers.choice(WORDS[8:]))

    def chinese() -> str:
        return str(numbers.choice(CHINESE))

    searches: dict[str, Callable[[], GalleryQuery]] = {
        "one common word": lambda: GalleryQuery(text=word()),
        "first letter typed": lambda: GalleryQuery(text=word()[0]),
        "two words": lambda: GalleryQuery(text=f"{word()} {word()}"),
        "one rare word": lambda: GalleryQuery(text=f"subject{numbers.randrange(997)}"),
        "word and not a word": lambda: GalleryQuery(text=f"{word()} -{word()}"),
        "phrase": lambda: GalleryQuery(text=f'"{word()} {word()}"'),
        "one Chinese letter": lambda: GalleryQuery(text=chinese()[0]),
        "a Chinese word": lambda: GalleryQuery(text=chinese()),
        "a Chinese word that is not there": lambda: GalleryQuery(text="不在这里"),
        "word, best first": lambda: GalleryQuery(text=word(), order=Order.RATING),
        "word, model, rating": lambda: GalleryQuery(
            text=word(), model=f"model {numbers.randrange(40)}", least_rating=3
        ),
        "lora": lambda: GalleryQuery(lora=f"lora {numbers.randrange(30)}"),
        "pick of a day": lambda: GalleryQuery(
            flag=Flag.PICK, since=1.7e9 + 86400, before=1.7e9 + 2 * 86400
        ),
    }
    for name, make in searches.items():
        queries = [make() for _ in range(ROUNDS)]
        pages = [_worked_ms(partial(gallery.search, query)) for query in queries]
        ids = [_worked_ms(partial(gallery.dated_ids, query)) for query in queries]
        kept &= _print(f"search, {name}", pages, SEARCH_BAR_MS)
        kept &= _print(f"  all its ids, {name}", ids, SEARCH_BAR_MS)
    _print("models in use", [_elapsed_ms(gallery.models) for _ in range(ROUNDS)])
    _print("loras in use", [_elapsed_ms(gallery.loras) for _ in range(ROUNDS)])
    return kept


def _print_changes(gallery: Gallery) -> None:
    ids = [each for each, _ in gallery.dated_ids(GalleryQuery())]
    one = [_elapsed_ms(partial(gallery.rate, [each], 4)) for each in ids[:ROUNDS]]
    _print("rate one (its folder is absent)", one)
    _print("rate 500", [_elapsed_ms(lambda: gallery.rate(ids[:500], 5)) for _ in range(5)])


def _print_files(gallery: Gallery, cache: Path) -> None:
    numbers = random.Random(4)
    noise = numbers.randbytes(SIDE * SIDE * 3)
    job = Finished(
        job_id="1",
        pictures=Pixels(width=SIDE, height=SIDE, pictures=(noise,)),
        request=ResolvedRequest(
            prompt="noise",
            width=SIDE,
            height=SIDE,
            steps=20,
            sampler=Sampler.EULER,
            schedule=Schedule.NORMAL,
            cfg_scale=7.0,
            seed=1,
        ),
        model=Path("model.safetensors"),
        model_sha256="",
        vae_sha256="",
        timings=Timings(load_ms=0, text_ms=0, denoise_ms=0, decode_ms=0),
        note="",
    )
    _print("save 512x512", [_elapsed_ms(lambda: gallery.save(job, 0)) for _ in range(PICTURES)])
    paths = [entry.path for entry in gallery.search(GalleryQuery(text="noise"))]
    _print("thumbnail", [_elapsed_ms(partial(thumbnail, path, cache)) for path in paths])
    _print("made thumbnail", [_elapsed_ms(partial(thumbnail, path, cache)) for path in paths])
    newest = gallery.search(GalleryQuery(), limit=1)[0]
    _print("rate one", [_elapsed_ms(lambda: gallery.rate([newest.id], 3))])
    _print("scan, nothing new", [_elapsed_ms(gallery.scan)])
    with Gallery(paths[0].parents[1], cache / "other.sqlite3") as other:
        elapsed = _elapsed_ms(other.scan)
    print(f"scan, all new: {PICTURES / elapsed * 1e3:,.0f} pictures/s")


def _worked_ms(action: Callable[[], object]) -> float:
    begin = time.thread_time()
    action()
    return (time.thread_time() - begin) * 1e3


def _elapsed_ms(action: Callable[[], object]) -> float:
    begin = time.perf_counter()
    action()
    return (time.perf_counter() - begin) * 1e3


def _print(name: str, times_ms: Sequence[float], bar_ms: float | None = None) -> bool:
    """One line of percentiles; whether the 95th keeps the bar."""
    ordered = sorted(times_ms)
    half, most, last = (ordered[int((len(ordered) - 1) * share)] for share in (0.5, 0.95, 1))
    kept = bar_ms is None or most <= bar_ms
    bar = "" if bar_ms is None else f"   bar {bar_ms:g} ms {'kept' if kept else 'MISSED'}"
    print(f"{name}: median {half:.2f}, 95% {most:.2f}, most {last:.2f} ms{bar}")
    return kept


if __name__ == "__main__":
    sys.exit(main())
