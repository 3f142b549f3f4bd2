"""Text stubs of the libraries of a Mac that the engine links against.

What they export, as Apple documents it, in the form that a linker reads in place of the library.
"""

from pathlib import Path

STUB = """--- !tapi-tbd
tbd-version: 4
targets: [ x86_64-macos, arm64-macos ]
install-name: '{install_name}'
exports:
  - targets: [ x86_64-macos, arm64-macos ]
    symbols: [ {symbols} ]
    objc-classes: [ {classes} ]
...
"""
FRAMEWORKS = "/System/Library/Frameworks"
FOUNDATION = f"{FRAMEWORKS}/Foundation.framework/Versions/C/Foundation"
METAL = f"{FRAMEWORKS}/Metal.framework/Versions/A/Metal"
OBJC = "/usr/lib/libobjc.A.dylib"
SYMBOLS = {
    FOUNDATION: ["_NSLocalizedDescriptionKey", "___CFConstantStringClassReference"],
    METAL: [
        *("_MTLCreateSystemDefaultDevice", "_MTLCopyAllDevices", "_MTLLibraryErrorDomain"),
        *("_MTLCommandBufferErrorDomain", "_MTLCommandBufferEncoderInfoErrorKey"),
    ],
    OBJC: [
        *("_objc_msgSend", "_objc_retain", "_objc_release", "_objc_autorelease", "_objc_alloc"),
        *("_objc_alloc_init", "_objc_opt_new", "_objc_opt_respondsToSelector"),
        *("_objc_autoreleasePoolPush", "_objc_autoreleasePoolPop", "_objc_enumerationMutation"),
        *("_objc_begin_catch", "_objc_end_catch", "_objc_exception_rethrow"),
        *("_objc_terminate", "_objc_getProperty", "_objc_setProperty", "___objc_personality_v0"),
        *("__objc_empty_cache", "_OBJC_EHTYPE_id"),
    ],
}
CLASSES = {
    FOUNDATION: [
        *("NSString", "NSNumber", "NSArray", "NSDictionary", "NSError", "NSException"),
        "NSProcessInfo",
    ],
    METAL: [
        *("MTLCompileOptions", "MTLFunctionConstantValues", "MTLComputePipelineDescriptor"),
        *("MTLCommandBufferDescriptor", "MTLResidencySetDescriptor"),
    ],
    OBJC: ["NSObject"],
}
# Classes that can be caught have a type of their own.
CAUGHT = {FOUNDATION: ["_OBJC_EHTYPE_$_NSException"]}


def write_stubs(folder: Path) -> list[Path]:
    """A .tbd file for each library."""
    paths = []
    for install_name, symbols in SYMBOLS.items():
        path = folder / f"{Path(install_name).stem}.tbd"
        quoted = [f"'{symbol}'" for symbol in [*symbols, *CAUGHT.get(install_name, [])]]
        text = STUB.format(
            install_name=install_name,
            symbols=", ".join(quoted),
            classes=", ".join(CLASSES[install_name]),
        )
        path.write_text(text, encoding="utf-8")
        paths.append(path)
    return paths
