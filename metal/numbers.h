// numbers: reads and writes of numbers in any storage as f32; knows no operator.
//
// Activations are f32 or storage.h's: load1, load4, store1, store4. Weights come as a file has
// them: load_stored. Both begin at a multiple of 16 bytes. Sources of the formats: OCP 8-bit
// floating point; ggml's ggml-common.h.
#ifndef NUMBERS_H
#define NUMBERS_H

#include <metal_stdlib>

#include "kernel_args.h"
#include "storage.h"

using namespace metal;

static inline float load1(const device uchar *from, int format, ulong index) {
  if (format == KERNEL_F32) return ((const device float *)from)[index];
  return float(((const device short_float *)from)[index]);
}

// Four numbers from `index` on, a multiple of 4.
static inline float4 load4(const device uchar *from, int format, ulong index) {
  if (format == KERNEL_F32) return ((const device float4 *)from)[index / 4];
  return float4(((const device short_float4 *)from)[index / 4]);
}

// The same, and bad becomes other than 0 where a number is not finite. Told by the bits as they
// are in memory: a compiler may take it that no float is infinite or NaN.
static inline float load1_watched(const device uchar *from, int format, ulong index,
                                  thread uint &bad) {
  if (format == KERNEL_F32) {
    const uint bits = ((const device uint *)from)[index];
    bad |= ((bits & 0x7fffffff) + 0x00800000) >> 31;
    return as_type<float>(bits);
  }
  const ushort bits = ((const device ushort *)from)[index];
  bad |= uint((bits & 0x7fff) + SHORT_FLOAT_EXPONENT) >> 15;
  return float(as_type<short_float>(bits));
}

static inline float4 load4_watched(const device uchar *from, int format, ulong index,
                                   thread uint &bad) {
  if (format == KERNEL_F32) {
    const uint4 bits = ((const device uint4 *)from)[index / 4];
    const uint4 over = (bits & 0x7fffffff) + 0x00800000;  // a full exponent reaches the sign
    bad |= (over.x | over.y | over.z | over.w) >> 31;
    return as_type<float4>(bits);
  }
  const ushort4 bits = ((const device ushort4 *)from)[index / 4];
  const uint4 over = (uint4(bits) & 0x7fff) + SHORT_FLOAT_EXPONENT;
  bad |= (over.x | over.y | over.z | over.w) >> 15;
  return float4(as_type<short_float4>(bits));
}

static inline void store1(device uchar *to, int format, ulong index, float value) {
  if (format == KERNEL_F32)
    ((device float *)to)[index] = value;
  else
    ((device short_float *)to)[index] = short_float(value);
}

static inline void store4(device uchar *to, int format, ulong index, float4 value) {
  if (format == KERNEL_F32)
    ((device float4 *)to)[index / 4] = value;
  else
    ((device short_float4 *)to)[index / 4] = short_float4(value);
}

// ---- numbers of a file ----

static inline float half_of(uint bits) { return float(as_type<half>(ushort(bits))); }

// A half at any byte: blocks are no multiple of 4 bytes long.
static inline float half_at(const device uchar *at) { return half_of(at[0] | uint(at[1]) << 8); }

// Sign, 4 bits of exponent, 3 of fraction; no infinity. Made of f32's fields, so that the smallest
// numbers need no subnormal half.
static inline float e4m3(uint code) {
  const uint exponent = code >> 3 & 15, fraction = code & 7;
  float size = as_type<float>((exponent + 120) << 23 | fraction << 20);
  if (exponent == 0) size = float(fraction) * (1.0f / 512.0f);
  if ((code & 0x7f) == 0x7f) size = as_type<float>(0x7fc00000u);
  return code & 0x80 ? -size : size;
}

// ---- the block formats of ggml: see engine_c/base/blocks.c, which has the same layouts ----

// Code of number i of 32 in 16 bytes: low halves the first 16 numbers, high the others.
static inline float nibble(const device uchar *pairs, uint i) {
  const uint pair = pairs[i % 16];
  return float(i < 16 ? pair & 15 : pair >> 4);
}

// The same with a fifth bit, bit i of the 4 bytes before.
static inline float five_bits(const device uchar *fifth, uint i) {
  return nibble(fifth + 4, i) + float((fifth[i / 8] >> i % 8 & 1) << 4);
}

// Blocks of 32: a half, then 32 signed bytes.
static inline float q8_0(const device uchar *block, uint i) {
  return half_at(block) * float(as_type<char>(block[2 + i]));
}

// 16 parts of 16 numbers: 4 bits of scale and 4 of minimum each, then codes of 2 bits, of which
// each 32 bytes hold 8 parts, then scale of scales and scale of minima.
static inline float q2_k(const device uchar *block, uint i) {
  const uint part = i / 16;
  const uint code = block[16 + part / 8 * 32 + i % 32] >> part % 8 / 2 * 2 & 3;
  return half_at(block + 80) * float(block[part] & 15) * float(code) -
         half_at(block + 82) * float(block[part] >> 4);
}

// 16 parts of 16 numbers: third bits, codes of 2 bits, 6-bit scales in 12 bytes, scale of scales.
static inline float q3_k(const device uchar *block, uint i) {
  const device uchar *scales = block + 96;
  const uint part = i / 16;
  const uint code = block[32 + part / 8 * 32 + i % 32] >> part % 8 / 2 * 2 & 3;
  const uint third = block[i % 32] >> part / 2 & 1;
  const uint low = part < 8 ? scales[part] & 15 : scales[part - 8] >> 4;
  const uint scale = low | (uint(scales[8 + part % 4]) >> part / 4 * 2 & 3) << 4;
  return half_at(block + 108) * (float(scale) - 32.0f) * (float(code | third << 2) - 4.0f);
}

// Number of a part of 32, whose scale and minimum, 6 bits each, stand in the 12 bytes after those
// of the block: low four bits of parts 4 to 7 in the last 4 bytes, the upper two atop the first 8.
static inline float scaled(const device uchar *block, uint part, uint code) {
  const device uchar *scales = block + 4;
  uint scale = scales[part % 4] & 63, minimum = scales[part % 4 + 4] & 63;
  if (part >= 4) {
    scale = (scales[part + 4] & 15) | uint(scales[part - 4] >> 6) << 4;
    minimum = (scales[part + 4] >> 4) | uint(scales[part] >> 6) << 4;
  }
  return half_at(block) * float(scale) * float(code) - half_at(block + 2) * float(minimum);
}

// 8 parts of 32 numbers: each 32 bytes from 16 on hold two parts.
static inline float q4_k(const device uchar *block, uint i) {
  const uint part = i / 32;
  return scaled(block, part, uint(block[16 + part / 2 * 32 + i % 32]) >> part % 2 * 4 & 15);
}

// The same from byte 48 on, and fifth bits before, of which bit p is that of part p.
static inline float q5_k(const device uchar *block, uint i) {
  const uint part = i / 32, fifth = uint(block[16 + i % 32]) >> part & 1;
  const uint low = uint(block[48 + part / 2 * 32 + i % 32]) >> part % 2 * 4 & 15;
  return scaled(block, part, low | fifth << 4);
}

// Codes of 6 bits: 128 bytes of low four, 64 of the upper two; 16 signed scales, scale of scales.
static inline float q6_k(const device uchar *block, uint i) {
  const uint part = i / 32, of_half = part % 4;
  const uint low = uint(block[part / 4 * 64 + of_half % 2 * 32 + i % 32]) >> of_half / 2 * 4 & 15;
  const uint upper = uint(block[128 + part / 4 * 32 + i % 32]) >> of_half * 2 & 3;
  return half_at(block + 208) * float(as_type<char>(block[192 + i / 16])) *
         (float(low | upper << 4) - 32.0f);
}

// Number i of a block of 32.
static inline float block_of_32(const device uchar *block, int format, uint i) {
  switch (format) {
    case KERNEL_Q4_0:
      return half_at(block) * (nibble(block + 2, i) - 8.0f);
    case KERNEL_Q4_1:
      return half_at(block) * nibble(block + 4, i) + half_at(block + 2);
    case KERNEL_Q5_0:
      return half_at(block) * (five_bits(block + 2, i) - 16.0f);
    case KERNEL_Q5_1:
      return half_at(block) * five_bits(block + 4, i) + half_at(block + 2);
    default:
      return q8_0(block, i);
  }
}

// Number i of a block of 256.
static inline float block_of_256(const device uchar *block, int format, uint i) {
  switch (format) {
    case KERNEL_Q2_K:
      return q2_k(block, i);
    case KERNEL_Q3_K:
      return q3_k(block, i);
    case KERNEL_Q4_K:
      return q4_k(block, i);
    case KERNEL_Q5_K:
      return q5_k(block, i);
    default:
      return q6_k(block, i);
  }
}

// Bytes of a block.
static inline uint block_bytes(int format) {
  switch (format) {
    case KERNEL_Q4_0:
      return 18;
    case KERNEL_Q4_1:
      return 20;
    case KERNEL_Q5_0:
      return 22;
    case KERNEL_Q5_1:
      return 24;
    case KERNEL_Q8_0:
      return 34;
    case KERNEL_Q2_K:
      return 84;
    case KERNEL_Q3_K:
      return 110;
    case KERNEL_Q4_K:
      return 144;
    case KERNEL_Q5_K:
      return 176;
    default:
      return 210;
  }
}

static inline float load_block(const device uchar *from, int format, ulong index) {
  if (format < KERNEL_Q2_K)
    return block_of_32(from + index / 32 * block_bytes(format), format, uint(index % 32));
  return block_of_256(from + index / 256 * block_bytes(format), format, uint(index % 256));
}

// Number `index` of a weight.
static inline float load_stored(const device uchar *from, int format, ulong index) {
  switch (format) {
    case KERNEL_F32:
      return ((const device float *)from)[index];
    case KERNEL_F16:
      return float(((const device half *)from)[index]);
    case KERNEL_BF16:
      return as_type<float>(uint(((const device ushort *)from)[index]) << 16);
    case KERNEL_F8_E4M3:
      return e4m3(from[index]);
    case KERNEL_F8_E5M2:  // the upper byte of a half
      return half_of(uint(from[index]) << 8);
    default:
      return load_block(from, format, index);
  }
}

#endif
