/* The simulator's Metal.h beside the compiler's own headers of a Mac, which it brings itself. */
#pragma once
#import "../../../include/Metal/Metal.h"
