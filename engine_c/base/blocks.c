/* blocks: owns the layout of a block, one function a format. Products of scales and codes are exact
 * in f32, so that a number is rounded once at most, wherever it is computed. */
#include "base/blocks.h"

#include <string.h>

#include "base/half.h"

enum { BLOCK_NUMBERS = 32, SUPER_NUMBERS = 256, PART = 32, HALF_PART = 16 };

static float blocks_half(const uint8_t *at) { return half_of_word((uint16_t)(at[0] | at[1] << 8)); }

/* ---- blocks of 32 ---- */

static void blocks_q8_0(float *out, const uint8_t *block) { /* scale, 32 codes with sign */
  const float scale = blocks_half(block);
  for (int i = 0; i < BLOCK_NUMBERS; i++) out[i] = scale * (float)(int8_t)block[2 + i];
}

/* 16 bytes: their low halves are codes 0 to 15, their high halves the others. */
static void blocks_nibbles(float *out, const uint8_t *pairs, float scale, float minimum) {
  for (int i = 0; i < HALF_PART; i++) {
    out[i] = scale * (float)(pairs[i] & 15) + minimum;
    out[i + HALF_PART] = scale * (float)(pairs[i] >> 4) + minimum;
  }
}

static void blocks_q4_0(float *out, const uint8_t *block) { /* scale, nibbles; 8 is zero */
  const float scale = blocks_half(block);
  blocks_nibbles(out, block + 2, scale, -8 * scale);
}

static void blocks_q4_1(float *out, const uint8_t *block) { /* scale, minimum, nibbles */
  blocks_nibbles(out, block + 4, blocks_half(block), blocks_half(block + 2));
}

/* As nibbles with a fifth bit: bit i of the 4 bytes before is that of code i. */
static void blocks_fives(float *out, const uint8_t *fifth, float scale, float minimum) {
  const uint8_t *pairs = fifth + 4;
  for (int i = 0; i < HALF_PART; i++) {
    const int low = fifth[i / 8] >> i % 8 & 1, high = fifth[2 + i / 8] >> i % 8 & 1;
    out[i] = scale * (float)((pairs[i] & 15) | low << 4) + minimum;
    out[i + HALF_PART] = scale * (float)(pairs[i] >> 4 | high << 4) + minimum;
  }
}

static void blocks_q5_0(float *out, const uint8_t *block) { /* scale, fifth bits; 16 is zero */
  const float scale = blocks_half(block);
  blocks_fives(out, block + 2, scale, -16 * scale);
}

static void blocks_q5_1(float *out, const uint8_t *block) { /* scale, minimum, fifth bits */
  blocks_fives(out, block + 4, blocks_half(block), blocks_half(block + 2));
}

/* ---- blocks of 256: 8 parts of 32 or 16 of 16, with scales of their own ---- */

/* 16 bytes of scale (low half) and minimum (high), 64 of codes, scale and minimum of these. Each 32
 * bytes of codes are 4 parts of 2 bits. */
static void blocks_q2_k(float *out, const uint8_t *block) {
  const uint8_t *codes = block + 16;
  const float scale = blocks_half(block + 80), minimum = blocks_half(block + 82);
  for (int part = 0; part < SUPER_NUMBERS / HALF_PART; part++) {
    const uint8_t *at = codes + part / 8 * PART + part % 2 * HALF_PART;
    const float by = scale * (float)(block[part] & 15), less = minimum * (float)(block[part] >> 4);
    const int shift = part % 8 / 2 * 2;
    for (int i = 0; i < HALF_PART; i++)
      out[part * HALF_PART + i] = by * (float)(at[i] >> shift & 3) - less;
  }
}

/* 32 bytes of third bits, 64 of codes, 12 of scales of 6 bits, scale of these. A third bit that is
 * not set takes 4 away. */
static void blocks_q3_k(float *out, const uint8_t *block) {
  const uint8_t *third = block, *codes = block + 32, *scales = block + 96;
  const float scale = blocks_half(block + 108);
  for (int part = 0; part < SUPER_NUMBERS / HALF_PART; part++) {
    const int half = part % 2 * HALF_PART, shift = part % 8 / 2 * 2;
    const int low = part < 8 ? scales[part] & 15 : scales[part - 8] >> 4;
    const int six = low | (scales[8 + part % 4] >> part / 4 * 2 & 3) << 4;
    const float by = scale * (float)(six - 32);
    for (int i = 0; i < HALF_PART; i++) {
      const int code = codes[part / 8 * PART + half + i] >> shift & 3;
      const int is_there = third[half + i] >> part / 2 & 1;
      out[part * HALF_PART + i] = by * (float)(code - (is_there ? 0 : 4));
    }
  }
}

/* Scale and minimum of a part of 32, 6 bits each, from 12 bytes: parts 0 to 3 in the first 8, those
 * of parts 4 to 7 have their upper two bits atop these. */
static void blocks_sixes(int *scale, int *minimum, const uint8_t *scales, int part) {
  if (part < 4) {
    *scale = scales[part] & 63;
    *minimum = scales[part + 4] & 63;
    return;
  }
  *scale = (scales[part + 4] & 15) | scales[part - 4] >> 6 << 4;
  *minimum = scales[part + 4] >> 4 | scales[part] >> 6 << 4;
}

/* Scale and minimum, 12 bytes of those of the parts, then nibbles: each 32 bytes are two parts.
 * fifth: NULL or 32 bytes, of which bit p belongs to part p. */
static void blocks_parts(float *out, const uint8_t *block, const uint8_t *fifth,
                         const uint8_t *nibbles) {
  const float scale = blocks_half(block), minimum = blocks_half(block + 2);
  for (int part = 0; part < SUPER_NUMBERS / PART; part++) {
    const uint8_t *at = nibbles + part / 2 * PART;
    int part_scale, part_minimum;
    blocks_sixes(&part_scale, &part_minimum, block + 4, part);
    const float by = scale * (float)part_scale, less = minimum * (float)part_minimum;
    for (int i = 0; i < PART; i++) {
      const int code = (at[i] >> part % 2 * 4 & 15) | (fifth ? fifth[i] >> part & 1 : 0) << 4;
      out[part * PART + i] = by * (float)code - less;
    }
  }
}

static void blocks_q4_k(float *out, const uint8_t *block) {
  blocks_parts(out, block, NULL, block + 16);
}

static void blocks_q5_k(float *out, const uint8_t *block) {
  blocks_parts(out, block, block + 16, block + 48);
}

/* 128 bytes of nibbles, 64 of upper two bits, 16 scales with sign, scale of these; 32 is zero. Of
 * 128 numbers, 64 bytes of nibbles are the low halves of parts 0 and 1 and the high ones of 2, 3.
 */
static void blocks_q6_k(float *out, const uint8_t *block) {
  const uint8_t *upper = block + 128, *scales = block + 192;
  const float scale = blocks_half(block + 208);
  for (int part = 0; part < SUPER_NUMBERS / PART; part++) {
    const int half = part / 4, of_half = part % 4;
    const uint8_t *at = block + half * 2 * PART + of_half % 2 * PART;
    for (int i = 0; i < PART; i++) {
      const int low = at[i] >> of_half / 2 * 4 & 15;
      const int code = low | (upper[half * PART + i] >> of_half * 2 & 3) << 4;
      const float by = scale * (float)(int8_t)scales[part * 2 + i / HALF_PART];
      out[part * PART + i] = by * (float)(code - 32);
    }
  }
}

/* ---- the table ---- */

typedef struct block_format {
  size_t numbers, bytes;
  void (*unpack)(float *out, const uint8_t *block);
} block_format;

static const block_format BLOCK_FORMATS[] = {
    [SD_Q4_0] = {BLOCK_NUMBERS, 18, blocks_q4_0},  [SD_Q4_1] = {BLOCK_NUMBERS, 20, blocks_q4_1},
    [SD_Q5_0] = {BLOCK_NUMBERS, 22, blocks_q5_0},  [SD_Q5_1] = {BLOCK_NUMBERS, 24, blocks_q5_1},
    [SD_Q8_0] = {BLOCK_NUMBERS, 34, blocks_q8_0},  [SD_Q2_K] = {SUPER_NUMBERS, 84, blocks_q2_k},
    [SD_Q3_K] = {SUPER_NUMBERS, 110, blocks_q3_k}, [SD_Q4_K] = {SUPER_NUMBERS, 144, blocks_q4_k},
    [SD_Q5_K] = {SUPER_NUMBERS, 176, blocks_q5_k}, [SD_Q6_K] = {SUPER_NUMBERS, 210, blocks_q6_k},
};

static const block_format *blocks_format(sd_dtype dtype) {
  static const block_format none = {0};
  return (size_t)dtype < sizeof BLOCK_FORMATS / sizeof *BLOCK_FORMATS ? &BLOCK_FORMATS[dtype]
                                                                      : &none;
}

size_t blocks_numbers(sd_dtype dtype) { return blocks_format(dtype)->numbers; }
size_t blocks_bytes(sd_dtype dtype) { return blocks_format(dtype)->bytes; }

void blocks_unpack(float *out, const void *source, sd_dtype dtype, size_t first, size_t count) {
  const block_format *format = blocks_format(dtype);
  const uint8_t *block = (const uint8_t *)source + first / format->numbers * format->bytes;
  size_t skipped = first % format->numbers;
  for (; count; block += format->bytes) {
    const size_t rest = format->numbers - skipped, taken = count < rest ? count : rest;
    if (taken == format->numbers) {
      format->unpack(out, block);
    } else {
      float part[SUPER_NUMBERS];
      format->unpack(part, block);
      memcpy(out, part + skipped, taken * sizeof *out);
    }
    out += taken;
    count -= taken;
    skipped = 0;
  }
}
