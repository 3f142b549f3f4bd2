/* cpu_isa_generic: the row for any processor of the architecture (SSE2 on x86-64). */
#define ISA_SET generic
#define ISA_BYTES 16
#define ISA_VECTORS 2
#define ISA_ROWS 4
#define ISA_USABLE 1
#include "backend/cpu/cpu_isa_body.h"
