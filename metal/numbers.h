// numbers: reads and writes of numbers in any storage as f32; knows no operator.
//
// Activations are f32 or f16: load1, load4, store1, store4. Weights come as a file has them:
// load_stored. Both begin at a multiple of 16 bytes. Sources of the formats: OCP 8-bit floating
// point; GGUF's description of the block formats of ggml.
#ifndef NUMBERS_H
#define NUMBERS_H

#include <metal_stdlib>

#include "kernel_args.h"

using namespace metal;

static inline float load1(const device uchar *from, int format, ulong index) {
  if (format == KERNEL_F32) return ((const device float *)from)[index];
  return float(((const device half *)from)[index]);
}

// Four numbers from `index` on, a multiple of 4.
static inline float4 load4(const device uchar *from, int format, ulong index) {
  if (format == KERNEL_F32) return ((const device float4 *)from)[index / 4];
  return float4(((const device half4 *)from)[index / 4]);
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
  bad |= uint((bits & 0x7fff) + 0x0400) >> 15;
  return float(as_type<half>(bits));
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
  const uint4 over = (uint4(bits) & 0x7fff) + 0x0400;
  bad |= (over.x | over.y | over.z | over.w) >> 15;
  return float4(as_type<half4>(bits));
}

static inline void store1(device uchar *to, int format, ulong index, float value) {
  if (format == KERNEL_F32)
    ((device float *)to)[index] = value;
  else
    ((device half *)to)[index] = half(value);
}

static inline void store4(device uchar *to, int format, ulong index, float4 value) {
  if (format == KERNEL_F32)
    ((device float4 *)to)[index / 4] = value;
  else
    ((device half4 *)to)[index / 4] = half4(value);
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

// Q8_0: blocks of 32: a half, then 32 signed bytes.
static inline float q8_0(const device uchar *from, ulong index) {
  const device uchar *block = from + index / 32 * 34;
  return half_at(block) * float(as_type<char>(block[2 + index % 32]));
}

// Q4_0: blocks of 32: a half, then 16 bytes, low halves the first 16 numbers, high the others.
static inline float q4_0(const device uchar *from, ulong index) {
  const device uchar *block = from + index / 32 * 18;
  const uint i = uint(index % 32), pair = block[2 + i % 16];
  return half_at(block) * (float(i < 16 ? pair & 15 : pair >> 4) - 8.0f);
}

// Q4_K: blocks of 256: scale of scales and scale of minima (halves), eight 6-bit scales and eight
// 6-bit minima in 12 bytes, then 128 bytes, of which each 32 hold two parts of 32 numbers.
static inline float q4_k(const device uchar *from, ulong index) {
  const device uchar *block = from + index / 256 * 144;
  const device uchar *scales = block + 4;
  const uint i = uint(index % 256), part = i / 32;
  const uint pair = block[16 + part / 2 * 32 + i % 32];
  uint scale = scales[part % 4] & 63, minimum = scales[part % 4 + 4] & 63;
  if (part >= 4) {  // low four bits in the last 4 bytes, the upper two atop the first 8
    scale = (scales[part + 4] & 15) | uint(scales[part - 4] >> 6) << 4;
    minimum = (scales[part + 4] >> 4) | uint(scales[part] >> 6) << 4;
  }
  const float code = float(part % 2 ? pair >> 4 : pair & 15);
  return half_at(block) * float(scale) * code - half_at(block + 2) * float(minimum);
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
    case KERNEL_Q8_0:
      return q8_0(from, index);
    case KERNEL_Q4_0:
      return q4_0(from, index);
    default:
      return q4_k(from, index);
  }
}

#endif
