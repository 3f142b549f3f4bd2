"""Make resources/tokenizer/clip_merges.txt.gz and tests/golden/tokenizer.json.

    python tests/golden/make_tokenizer.py bpe_simple_vocab_16e6.txt.gz

The argument is OpenAI's file, as in the package open_clip_torch 3.3.0. Needs transformers 5. The
expected ids are those of transformers' CLIPTokenizer, made from that file alone.
"""

import gzip
import hashlib
import json
import random
import sys
from pathlib import Path

import tokenizers
import transformers
from transformers import CLIPTokenizer
from transformers.convert_slow_tokenizer import bytes_to_unicode

SOURCE_SHA256 = "924691ac288e54409236115652ad4aa250f48203de50a9e4722a6ecd48d6804a"
MERGE_COUNT = 49408 - 2 * 256 - 2
ROOT = Path(__file__).resolve().parents[2]
RESOURCE = ROOT / "resources" / "tokenizer" / "clip_merges.txt.gz"
GOLDEN = Path(__file__).with_name("tokenizer.json")

EDGE_CASES = [
    *("", " ", "\n", "a", "A", "0", "007", "1234567890", "3.14", "½ ² Ⅷ ٣ 一二三"),
    *(
        "a photo of a cat",
        "A Photo Of A CAT",
        "  two   spaces\t\ttabs\r\nlines  ",
        "no-space,comma",
    ),
    *("masterpiece, best quality, 1girl, (solo:1.2)", "trending on artstation, 8k uhd, f/1.4"),
    *(
        "it's they're we've I'm she'll he'd can't",
        "IT'S 'S 'T 'RE",
        "rock'n'roll ''s '''",
        "‘it’s’",
    ),
    *("!!!", "...", "?!?!", "---", "***", "___", "@#$%^&*()", "<>[]{}|\\/", "a_b_c", "~`\"'"),
    *("&amp; &lt;b&gt;", "<b>bold</b>", "https://example.com/?q=1&r=2", "me@example.com"),
    *("<|startoftext|>", "<|endoftext|>", "a<|endoftext|>b", "<|endoftext|><|endoftext|>"),
    *("<|STARTOFTEXT|>", "<|EndOfText|>", "<|startoftext|", "|endoftext|>", "< |endoftext| >"),
    *("<|startoftext|> cat <|endoftext|> dog", "<start_of_text> <end_of_text>", "</w>", "a</w>b"),
    *("<|endoftext|>\u0338", "\u0301<|startoftext|>", "<|endoftext|>'s"),
    *(
        "café",
        "cafe\u0301",
        "CAFÉ",
        "ＦＵＬＬ　ｗｉｄｔｈ",
        "ﬁ ﬂ ﬀ",
        "straße STRASSE ẞ",
        "naïve façade",
    ),
    *("İstanbul ı i̇", "ΟΔΥΣΣΕΥΣ ς σ", "ſ K Å Ω", "Ǆ ǅ ǆ", "ᏣᎳᎩ ꭰ", "𐐀𐐨", "Å A\u030a \u212b"),
    *(
        "猫",
        "一只红色的狐狸，在雪地里。",
        "東京タワー",
        "ネコ ﾈｺ",
        "한국어 텍스트",
        "\u1112\u1161\u11ab",
    ),
    *("שלום עולם", "مرحبا بالعالم", "नमस्ते दुनिया", "สวัสดี", "Привет, Мир!", "Ελληνικά", "ქართული"),
    *("😀", "😀😀😀", "👩‍👩‍👧‍👦", "👍🏽", "🇯🇵🇫🇷", "❤️ ❤", "cat🐱dog🐶", "☃️ ♥ ★ ™ © ®"),
    *("e\u0301\u0327\u0323", "a" + "\u0300" * 30, "\u0301", "\u0338", "=\u0338 >\u0338", "ö\u0308"),
    *(
        "\x00",
        "a\x00b",
        "\x01\x02\x1b[31m",
        "\x7f",
        "\x80\x9f",
        "a\x1cb\x1dc\x1ed\x1fe",
        "\x0b\x0c",
    ),
    *(
        "\u00a0nbsp\u00a0",
        "\u2003em\u2009thin",
        "zero\u200bwidth",
        "\u200d\u200e\u202e",
        "\ufeffbom",
    ),
    *(
        "\u0085nel",
        "\u2028line\u2029para",
        "\u3000",
        "\u180e",
        "soft\u00adhyphen",
        "\ufffd",
        "\ufffe",
    ),
    *("\U000e0001\U000e007f", "\U0010ffff", "\ue000", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝟙𝟚𝟛", "ℌℍ①②", "Z̸̢͓a̷l̴g̶o̵"),
    *("antidisestablishmentarianism", "llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch"),
    *("x" * 300, "ab" * 200, "!" * 100, "1" * 80, "cat, " * 60, "\\(escaped\\) \\[x\\]"),
]

RANDOM_KINDS = {
    "any character": [(0x0, 0xD7FF), (0xE000, 0x10FFFF)],
    "first plane": [(0x0, 0xD7FF), (0xE000, 0xFFFF)],
    "Latin": [(0x20, 0x24F)],
    "printable ASCII": [(0x20, 0x7E)],
    "spaces and controls": [(0x0, 0x40), (0x7F, 0xA0), (0x2000, 0x206F)],
    "marks": [(0x41, 0x5A), (0x300, 0x36F), (0x1E00, 0x1EFF)],
    "scripts": [(0x370, 0x6FF), (0x900, 0xDFF)],
    "East Asia": [(0x3000, 0x30FF), (0x4E00, 0x4FFF), (0xAC00, 0xACFF), (0x1100, 0x11FF)],
    "emoji": [(0x1F300, 0x1FAFF), (0x200D, 0x200D), (0xFE00, 0xFE0F), (0x2600, 0x27BF)],
    "mathematics": [(0x2100, 0x22FF), (0x1D400, 0x1D7FF), (0x338, 0x338), (0x3C, 0x3E)],
}


def main() -> None:
    """Write both files."""
    merges = read_merges(Path(sys.argv[1]))
    lines = "".join(f"{left} {right}\n" for left, right in merges)
    RESOURCE.write_bytes(gzip.compress(lines.encode(), 9, mtime=0))
    reference = CLIPTokenizer(vocab=vocabulary(merges), merges=merges)
    texts = EDGE_CASES + random_texts(random.Random(20))
    cases = [{"text": t, "ids": reference(t, add_special_tokens=False)["input_ids"]} for t in texts]
    versions = {"transformers": transformers.__version__, "tokenizers": tokenizers.__version__}
    rows = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    GOLDEN.write_text(f'{{"versions": {json.dumps(versions)}, "cases": [\n{rows}\n]}}\n')
    print(versions, len(cases), "cases")


def read_merges(source: Path) -> list[tuple[str, str]]:
    """The merges that CLIP uses: the first of the 262,144 in the file, after its title."""
    data = source.read_bytes()
    if hashlib.sha256(data).hexdigest() != SOURCE_SHA256:
        raise SystemExit(f"{source} is not OpenAI's bpe_simple_vocab_16e6.txt.gz.")
    lines = gzip.decompress(data).decode().split("\n")[1 : MERGE_COUNT + 1]
    pairs = (line.partition(" ") for line in lines)
    return [(left, right) for left, _, right in pairs]


def vocabulary(merges: list[tuple[str, str]]) -> dict[str, int]:
    """Token to id."""
    letters = list(bytes_to_unicode().values())
    tokens = letters + [letter + "</w>" for letter in letters] + ["".join(pair) for pair in merges]
    return {token: i for i, token in enumerate([*tokens, "<|startoftext|>", "<|endoftext|>"])}


def random_texts(generator: random.Random) -> list[str]:
    """Forty texts of each kind, of 1 to 24 characters."""
    texts = []
    for ranges in RANDOM_KINDS.values():
        for _ in range(40):
            picked = generator.choices(ranges, k=generator.randint(1, 24))
            texts.append("".join(chr(generator.randint(*bounds)) for bounds in picked))
    return texts


if __name__ == "__main__":
    main()
