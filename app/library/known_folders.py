"""Where other programs keep their models, so that nobody downloads one twice.

Owns the table of their layouts. Folders of kinds that Aquatint has no use for are left out. Draw
Things and Mochi Diffusion keep theirs in forms of their own, which cannot be opened, and so stand
not in the table.
"""

from pathlib import Path

from app.library.model_entry import KnownFolder

# Where people put a program's folder, from their home.
PLACES = ("", "Documents", "Desktop", "Downloads", "AI", "Applications", "Developer", "Projects")
A1111_FOLDERS = (
    *("models/Stable-diffusion", "models/Lora", "models/LyCORIS", "models/VAE"),
    *("models/VAE-approx", "embeddings"),
)
COMFY_FOLDERS = tuple(
    f"models/{name}" for name in ("checkpoints", "loras", "vae", "vae_approx", "embeddings")
)
# (program, names that its folder has, the folders in it)
LAYOUTS: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("A1111", ("stable-diffusion-webui", "sd-webui", "automatic"), A1111_FOLDERS),
    (
        "Forge",
        (
            "stable-diffusion-webui-forge",
            "sd-webui-forge",
            "forge",
            "stable-diffusion-webui-reForge",
        ),
        A1111_FOLDERS,
    ),
    ("ComfyUI", ("ComfyUI", "comfyui", "comfy/ComfyUI"), COMFY_FOLDERS),
    (
        "Easy Diffusion",
        ("easy-diffusion", "stable-diffusion-ui", "EasyDiffusion"),
        tuple(f"models/{name}" for name in ("stable-diffusion", "lora", "vae", "embeddings")),
    ),
    (
        "Fooocus",
        ("Fooocus",),
        tuple(f"models/{name}" for name in ("checkpoints", "loras", "vae_approx", "embeddings")),
    ),
    ("InvokeAI", ("invokeai", "InvokeAI"), ("models",)),
)
HUB = ("Hugging Face", ".cache/huggingface/hub")


def known_folders(home: Path | None = None) -> tuple[KnownFolder, ...]:
    """The folders of the table that exist, each once; `home` None is the user's."""
    base = home or Path.home()
    candidates = [
        (program, base / place / name / folder)
        for program, names, folders in LAYOUTS
        for name in names
        for place in PLACES
        for folder in folders
    ]
    program, hub = HUB
    found: dict[Path, KnownFolder] = {}
    for owner, path in [*candidates, (program, base / hub)]:
        if path.is_dir():  # two spellings are one folder where case does not count
            found.setdefault(path.resolve(), KnownFolder(program=owner, path=path))
    return tuple(found.values())
