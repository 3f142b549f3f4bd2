/* half: conversions between f32 and the short formats, whole rows at a time.
 * Sources: IEEE 754 binary16; bfloat16 as the upper half of binary32; OCP 8-bit floating point
 * (e4m3 "fn": no infinity, and e5m2). */
#ifndef BASE_HALF_H
#define BASE_HALF_H

#include "engine.h"

/* Bytes of one number, 0 for an unknown dtype and for block formats. */
static inline size_t half_dtype_bytes(sd_dtype dtype) {
  switch (dtype) {
    case SD_F32:
    case SD_I32:
      return 4;
    case SD_F16:
    case SD_BF16:
      return 2;
    case SD_F8_E4M3:
    case SD_F8_E5M2:
      return 1;
    default:
      return 0;
  }
}

/* Bytes of `count` numbers, which are whole blocks in a block format (blocks.h). */
size_t half_bytes(sd_dtype dtype, size_t count);

/* A binary16's bits as f32. */
float half_of_word(uint16_t word);

/* out[0..count) as f32 from `count` numbers of `dtype` (a float format) at `source`. */
void half_unpack(float *out, const void *source, sd_dtype dtype, size_t count);

/* The same from number `first` on, of a float or block format. */
void half_unpack_from(float *out, const void *source, sd_dtype dtype, size_t first, size_t count);

/* `count` numbers of `dtype` (SD_F32, SD_F16 or SD_BF16) at `out` from f32, rounded to nearest
 * even. */
void half_pack(void *out, const float *source, sd_dtype dtype, size_t count);

#endif
