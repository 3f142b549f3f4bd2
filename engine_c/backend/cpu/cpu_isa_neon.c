/* cpu_isa_neon: the row for 64-bit ARM. */
#if defined(__aarch64__)
#include <arm_neon.h>

#define ISA_SET neon
#define ISA_BYTES 16
#define ISA_VECTORS 4
#define ISA_ROWS 6
#define ISA_USABLE 1
#define ISA_FROM_HALF(h) ((vec)vcvt_f32_f16((float16x4_t)(h)))
#define ISA_TO_HALF(v) ((hvec)vcvt_f16_f32((float32x4_t)(v)))
#define ISA_CLAMP(x, low, high) \
  ((vec)vmaxq_f32(vdupq_n_f32(low), vminq_f32(vdupq_n_f32(high), (float32x4_t)(x))))
#include "backend/cpu/cpu_isa_body.h"
#endif
