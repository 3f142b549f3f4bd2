/* half: owns the short number formats, portably; backends have faster rows of their own. */
#include "base/half.h"

#include <math.h>
#include <string.h>

#include "base/blocks.h"

size_t half_bytes(sd_dtype dtype, size_t count) {
  const size_t numbers = blocks_numbers(dtype);
  return numbers ? count / numbers * blocks_bytes(dtype) : count * half_dtype_bytes(dtype);
}

static float half_of_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static uint32_t half_bits_of(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

float half_of_word(uint16_t word) {
  uint32_t sign = (uint32_t)(word & 0x8000) << 16, exponent = (word >> 10) & 31;
  uint32_t mantissa = word & 0x3ff;
  if (exponent == 31) return half_of_bits(sign | 0x7f800000u | mantissa << 13);
  if (exponent == 0) {
    float magnitude = (float)mantissa * 0x1p-24f;
    return sign ? -magnitude : magnitude;
  }
  return half_of_bits(sign | (exponent + 112) << 23 | mantissa << 13);
}

/* Rounds to nearest even; overflow gives infinity. */
static uint16_t half_from_f32(float value) {
  uint32_t bits = half_bits_of(value), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000u) return (uint16_t)(sign | 0x7e00);
  if (magnitude >= 0x477ff000u) return (uint16_t)(sign | 0x7c00); /* rounds to 65536 or more */
  if (magnitude < 0x38800000u) { /* subnormal: adding 0.5 rounds at the last place, 2^-24 */
    float shifted = half_of_bits(magnitude) + 0.5f;
    return (uint16_t)(sign | (half_bits_of(shifted) - 0x3f000000u));
  }
  uint32_t rounded = magnitude + 0xfff + (magnitude >> 13 & 1);
  return (uint16_t)(sign | (rounded - 0x38000000u) >> 13);
}

/* Rounds to nearest even; a NaN stays one. */
static uint16_t half_bf16_from_f32(float value) {
  uint32_t bits = half_bits_of(value);
  if ((bits & 0x7fffffff) > 0x7f800000u) return (uint16_t)(bits >> 16 | 0x40);
  return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static float half_e4m3_to_f32(uint8_t byte) {
  int exponent = byte >> 3 & 15, mantissa = byte & 7;
  float magnitude =
      exponent ? ldexpf((float)(8 + mantissa), exponent - 10) : ldexpf((float)mantissa, -9);
  if ((byte & 0x7f) == 0x7f) magnitude = NAN;
  return byte & 0x80 ? -magnitude : magnitude;
}

/* Number i of two bytes each, wherever they lie: a file need not align its tensors. */
static uint16_t half_word(const uint8_t *bytes, size_t i) {
  uint16_t word;
  memcpy(&word, bytes + 2 * i, sizeof word);
  return word;
}

void half_unpack(float *out, const void *source, sd_dtype dtype, size_t count) {
  const uint8_t *bytes = source;
  switch (dtype) {
    case SD_F32:
      memcpy(out, source, count * sizeof *out);
      break;
    case SD_F16:
      for (size_t i = 0; i < count; i++) out[i] = half_of_word(half_word(bytes, i));
      break;
    case SD_BF16:
      for (size_t i = 0; i < count; i++) out[i] = half_of_bits((uint32_t)half_word(bytes, i) << 16);
      break;
    case SD_F8_E4M3:
      for (size_t i = 0; i < count; i++) out[i] = half_e4m3_to_f32(bytes[i]);
      break;
    case SD_F8_E5M2: /* the upper byte of a half */
      for (size_t i = 0; i < count; i++) out[i] = half_of_word((uint16_t)(bytes[i] << 8));
      break;
    case SD_I32:
      for (size_t i = 0; i < count; i++) out[i] = (float)((const int32_t *)source)[i];
      break;
    default: /* block formats: see half_unpack_from */
      break;
  }
}

void half_unpack_from(float *out, const void *source, sd_dtype dtype, size_t first, size_t count) {
  if (blocks_numbers(dtype))
    blocks_unpack(out, source, dtype, first, count);
  else
    half_unpack(out, (const char *)source + half_bytes(dtype, first), dtype, count);
}

void half_pack(void *out, const float *source, sd_dtype dtype, size_t count) {
  if (dtype == SD_F32) {
    memcpy(out, source, count * sizeof *source);
    return;
  }
  uint16_t *words = out;
  if (dtype == SD_BF16)
    for (size_t i = 0; i < count; i++) words[i] = half_bf16_from_f32(source[i]);
  else
    for (size_t i = 0; i < count; i++) words[i] = half_from_f32(source[i]);
}
