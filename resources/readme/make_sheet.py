"""Draws sheet.png of the README: sixteen pictures by the engine and the model that ships.

python -m resources.readme.make_sheet
"""

from pathlib import Path

from PIL import Image

from app.engine.engine import Engine
from app.generation.picture_maker import PictureMaker
from app.generation.request import GenerationRequest

COLUMNS, SIDE, GAP = 8, 160, 8
PICTURES = (
    ("red apple", 11),
    ("a cat wearing sunglasses", 1),
    ("rocket in space", 4),
    ("castle at sunset", 3),
    ("a fox in a meadow", 7),
    ("hamburger", 4),
    ("unicorn sticker", 2),
    ("tree, pixel art", 4),
    ("whale underwater", 3),
    ("three strawberries", 5),
    ("an owl in the forest", 6),
    ("a banana and a red apple", 6),
    ("robot on a pink background", 1),
    ("green dragon", 3),
    ("sunflower, flat icon", 2),
    ("house in the snow", 9),
)


def main() -> None:
    """Makes the pictures one by one and pastes them into a grid."""
    rows = -(-len(PICTURES) // COLUMNS)
    size = (COLUMNS * (SIDE + GAP) - GAP, rows * (SIDE + GAP) - GAP)
    sheet = Image.new("RGB", size, "white")
    with Engine() as engine, PictureMaker(engine) as maker:
        for index, (prompt, seed) in enumerate(PICTURES):
            made = maker.generate(GenerationRequest(prompt=prompt, seed=seed))
            picture = Image.frombytes(
                "RGB", (made.request.width, made.request.height), made.output.pictures[0]
            ).resize((SIDE, SIDE), Image.Resampling.LANCZOS)
            row, column = divmod(index, COLUMNS)
            sheet.paste(picture, (column * (SIDE + GAP), row * (SIDE + GAP)))
    sheet.save(Path(__file__).with_name("sheet.png"), optimize=True)


if __name__ == "__main__":
    main()
