#pragma once
#if __METAL_VERSION__ < 400
#error "tensors need language version 4.0"
#endif
