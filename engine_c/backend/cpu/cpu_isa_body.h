/* cpu_isa_body: the row of one instruction set, written once in vectors of ISA_BYTES bytes.
 * Included by each cpu_isa_<set>.c inside that set's target pragma; knows no operator. It wants
 *
 *   ISA_SET      name of the row: cpu_isa_<ISA_SET>
 *   ISA_BYTES    bytes of a vector register
 *   ISA_VECTORS  vectors of a panel
 *   ISA_ROWS     rows of a block: ISA_ROWS * ISA_VECTORS sums must stay in registers
 *   ISA_USABLE   expression: non-zero if this processor has the set
 *   ISA_PAIRS    its pair_depth, if it has begin_pairs, multiply_pairs, end_pairs and weigh_pairs
 * and, where the compiler does worse by itself,
 *   ISA_FROM_HALF(h), ISA_TO_HALF(v)   vectors of binary16 bits to f32 and back
 *   ISA_WIDEN(h), ISA_NARROW(v)        16-bit numbers to 32 bits and back
 *   ISA_CLAMP(x, low, high)            x within bounds, a NaN as it is
 *   ISA_LARGER(x, y)                   x where it is larger, else y
 *   ISA_FRACTION(x)                    x - floor(x)
 *   ISA_SCALE_BY_POWER(v, x)           v 2^floor(x), if there is ISA_FRACTION
 *   ISA_TO_BF16(v)                     f32 to bf16; it may make zeros of subnormals
 *
 * Source: erfc by Abramowitz and Stegun 7.1.26. */
#include <math.h>
#include <string.h>

#include "backend/cpu/cpu_isa.h"
#include "base/half.h"

enum { LANES = ISA_BYTES / 4, PANEL = LANES * ISA_VECTORS };

typedef float vec __attribute__((vector_size(ISA_BYTES)));
typedef float vec_memory __attribute__((vector_size(ISA_BYTES), aligned(4), may_alias));
typedef int32_t ivec __attribute__((vector_size(ISA_BYTES)));
typedef double dvec __attribute__((vector_size(ISA_BYTES * 2)));

#define ISA_INLINE static inline __attribute__((always_inline))

ISA_INLINE vec vec_load(const float *at) { return *(const vec_memory *)at; }
ISA_INLINE void vec_store(float *at, vec v) { *(vec_memory *)at = v; }
ISA_INLINE vec vec_of(float x) { return x - (vec){0}; }

/* Lane by lane yes where mask is -1, no where it is 0. */
ISA_INLINE vec vec_select(ivec mask, vec yes, vec no) {
  return (vec)((mask & (ivec)yes) | (~mask & (ivec)no));
}

/* The last `count` (less than LANES) numbers of a row, zeros after them. */
ISA_INLINE vec vec_load_part(const float *at, size_t count) {
  float lanes[LANES] = {0};
  memcpy(lanes, at, count * sizeof(float));
  return vec_load(lanes);
}

ISA_INLINE void vec_store_part(float *at, vec v, size_t count) {
  float lanes[LANES];
  vec_store(lanes, v);
  memcpy(at, lanes, count * sizeof(float));
}

/* ---- product ---- */

/* Both compilers keep the sums in registers only if every loop over them is gone. */
#if defined(__clang__)
#define ISA_UNROLL _Pragma("clang loop unroll(full)")
#else
#define ISA_UNROLL _Pragma("GCC unroll 32")
#endif

/* `rows` is a constant in every copy. Sum i belongs to row i / ISA_VECTORS. */
ISA_INLINE void block_of(const cpu_block *block, const int32_t rows) {
  const int64_t length = block->length, stride = block->stride;
  vec sum[ISA_ROWS * ISA_VECTORS];
  float *tile[ISA_ROWS * ISA_VECTORS];
  ISA_UNROLL for (int32_t i = 0; i < rows * ISA_VECTORS; i++) {
    tile[i] = block->tile + i / ISA_VECTORS * stride + i % ISA_VECTORS * LANES;
    sum[i] = block->accumulate ? vec_load(tile[i])
             : block->first    ? vec_load(block->first + i % ISA_VECTORS * LANES)
                               : (vec){0};
  }
  const float *b = block->b;
  const float *const *segment = block->a;
  for (int32_t s = 0; s < block->segments; s++, segment += rows) {
    const float *a[ISA_ROWS];
    ISA_UNROLL for (int32_t r = 0; r < rows; r++) a[r] = segment[r] + length;
    for (int64_t k = -length; k; k++, b += PANEL) { /* up to zero: no register for the end */
      vec column[ISA_VECTORS];
      ISA_UNROLL for (int32_t v = 0; v < ISA_VECTORS; v++) column[v] = vec_load(b + v * LANES);
      ISA_UNROLL for (int32_t r = 0; r < rows; r++) {
        const vec x = vec_of(a[r][k]);
        vec *row = sum + r * ISA_VECTORS;
        ISA_UNROLL for (int32_t v = 0; v < ISA_VECTORS; v++) row[v] += x * column[v];
      }
    }
  }
  ISA_UNROLL for (int32_t i = 0; i < rows * ISA_VECTORS; i++) vec_store(tile[i], sum[i]);
}

/* ISA_CASE for each number of rows that a block may have. */
#if ISA_ROWS > 6
#define ISA_CASES_ABOVE_6 \
  ISA_CASE(7);            \
  ISA_CASE(8);            \
  ISA_CASE(9);            \
  ISA_CASE(10);           \
  ISA_CASE(11);           \
  ISA_CASE(12);
#else
#define ISA_CASES_ABOVE_6
#endif
#if ISA_ROWS > 4
#define ISA_CASES_ABOVE_4 \
  ISA_CASE(5);            \
  ISA_CASE(6);            \
  ISA_CASES_ABOVE_6
#else
#define ISA_CASES_ABOVE_4
#endif
#define ISA_CASES   \
  ISA_CASE(1);      \
  ISA_CASE(2);      \
  ISA_CASE(3);      \
  ISA_CASE(4);      \
  ISA_CASES_ABOVE_4 \
  default:          \
    break;

static void block(const cpu_block *b) {
#define ISA_CASE(count)                                   \
  case count:                                             \
    block_of(b, (count) < ISA_ROWS ? (count) : ISA_ROWS); \
    break
  switch (b->rows) { ISA_CASES }
#undef ISA_CASE
}

/* ---- short formats ---- */

typedef uint8_t bvec __attribute__((vector_size(LANES)));
typedef uint8_t bvec_memory __attribute__((vector_size(LANES), aligned(1), may_alias));
typedef uint16_t hvec __attribute__((vector_size(ISA_BYTES / 2)));
typedef uint16_t hvec_memory __attribute__((vector_size(ISA_BYTES / 2), aligned(2), may_alias));
typedef uint32_t uvec __attribute__((vector_size(ISA_BYTES)));

#ifndef ISA_WIDEN
#define ISA_WIDEN(h) __builtin_convertvector(h, uvec)
#endif

#ifndef ISA_NARROW
#define ISA_NARROW(v) __builtin_convertvector(v, hvec)
#endif

#ifndef ISA_FROM_HALF
#define ISA_FROM_HALF(h) vec_from_half(h)
#define ISA_TO_HALF(v) vec_to_half(v)

/* As half.c has them, all ways at once. */
ISA_INLINE vec vec_from_half(hvec half) {
  const uvec word = ISA_WIDEN(half), magnitude = (word & 0x7fff) << 13;
  const vec finite = (vec)magnitude * 0x1p112f; /* the biases' distance; subnormals too */
  const vec special = (vec)(magnitude | 0x7f800000);
  const vec value = vec_select((ivec)magnitude >= 0x0f800000, special, finite);
  return (vec)((uvec)value | (word & 0x8000) << 16);
}

ISA_INLINE hvec vec_to_half(vec v) {
  const uvec bits = (uvec)v, magnitude = bits & 0x7fffffff;
  const uvec normal = (magnitude + 0xfff + (magnitude >> 13 & 1) - 0x38000000) >> 13;
  const uvec subnormal = (uvec)((vec)magnitude + 0.5f) - 0x3f000000;
  const ivec size = (ivec)magnitude;
  vec half = vec_select(size < 0x38800000, (vec)subnormal, (vec)normal);
  half = vec_select(size >= 0x477ff000, (vec)((uvec){0} + 0x7c00), half);
  half = vec_select(size > 0x7f800000, (vec)((uvec){0} + 0x7e00), half);
  return (hvec)ISA_NARROW((uvec)half | (bits >> 16 & 0x8000));
}
#endif

/* Bytes of one number; every call has a constant dtype, here and below. */
ISA_INLINE size_t bytes_of(const sd_dtype dtype) {
  return dtype == SD_F32 ? 4 : dtype == SD_F16 || dtype == SD_BF16 ? 2 : 1;
}

/* One vector of `dtype`. */
ISA_INLINE vec vec_unpack(const void *source, const sd_dtype dtype) {
  if (dtype == SD_F32) return vec_load((const float *)source);
  if (dtype == SD_F16) return ISA_FROM_HALF(*(const hvec_memory *)source);
  if (dtype == SD_BF16) return (vec)((uvec)ISA_WIDEN(*(const hvec_memory *)source) << 16);
  const hvec byte = __builtin_convertvector(*(const bvec_memory *)source, hvec);
  if (dtype == SD_F8_E5M2) return ISA_FROM_HALF((hvec)(byte << 8));
  /* e4m3 has one exponent bit less than binary16, at a bias 8 smaller, and a single NaN. */
  const vec value = ISA_FROM_HALF((hvec)((byte & 0x80) << 8 | (byte & 0x7f) << 7)) * 256.0f;
  const ivec is_nan = __builtin_convertvector(byte & 0x7f, ivec) == 0x7f;
  return vec_select(is_nan, vec_of(__builtin_nanf("")), value);
}

/* One vector as SD_F16 or SD_BF16, rounded to nearest even. */
ISA_INLINE hvec vec_pack(vec v, const sd_dtype dtype) {
  if (dtype == SD_F16) return ISA_TO_HALF(v);
#ifdef ISA_TO_BF16
  return ISA_TO_BF16(v);
#else
  const uvec bits = (uvec)v;
  const uvec rounded = bits + 0x7fff + (bits >> 16 & 1);
  const ivec is_nan = v != v;
  const vec kept = vec_select(is_nan, (vec)(bits | 0x400000), (vec)rounded);
  return (hvec)ISA_NARROW((uvec)kept >> 16);
#endif
}

/* The next vector of a row of which `left` numbers are left, zeros after them. */
ISA_INLINE vec vec_read(const void *at, const sd_dtype dtype, size_t left) {
  if (left >= LANES) return vec_unpack(at, dtype);
  float last[LANES] = {0};
  memcpy(last, at, left * bytes_of(dtype));
  return vec_unpack(last, dtype);
}

/* Writes it to a row of SD_F32, SD_F16 or SD_BF16. */
ISA_INLINE void vec_write(void *at, vec v, const sd_dtype dtype, size_t left) {
  if (dtype == SD_F32 && left >= LANES) {
    vec_store((float *)at, v);
  } else if (dtype == SD_F32) {
    vec_store_part((float *)at, v, left);
  } else {
    const hvec packed = vec_pack(v, dtype);
    if (left >= LANES)
      *(hvec_memory *)at = packed;
    else
      memcpy(at, &packed, left * sizeof(uint16_t));
  }
}

/* A row in `dtype` from one in `from`. */
ISA_INLINE void convert_of(void *out, const sd_dtype dtype, const void *source, const sd_dtype from,
                           size_t count) {
  for (size_t i = 0; i < count; i += LANES)
    vec_write((char *)out + i * bytes_of(dtype),
              vec_read((const char *)source + i * bytes_of(from), from, count - i), dtype,
              count - i);
}

static void unpack(float *out, const void *source, sd_dtype dtype, size_t count) {
  if (dtype == SD_F32) memcpy(out, source, count * sizeof(float));
  if (dtype == SD_F16) convert_of(out, SD_F32, source, SD_F16, count);
  if (dtype == SD_BF16) convert_of(out, SD_F32, source, SD_BF16, count);
  if (dtype == SD_F8_E4M3) convert_of(out, SD_F32, source, SD_F8_E4M3, count);
  if (dtype == SD_F8_E5M2) convert_of(out, SD_F32, source, SD_F8_E5M2, count);
}

static void pack(void *out, const float *source, sd_dtype dtype, size_t count) {
  if (dtype == SD_F32) memcpy(out, source, count * sizeof(float));
  if (dtype == SD_F16) convert_of(out, SD_F16, source, SD_F32, count);
  if (dtype == SD_BF16) convert_of(out, SD_BF16, source, SD_F32, count);
}

/* ---- rows ---- */

#ifndef ISA_CLAMP
#define ISA_CLAMP(x, low, high) \
  vec_select((x) < (low), vec_of(low), vec_select((x) > (high), vec_of(high), x))
#endif

/* e^x between e^-87 and e^87, to 1e-7 and |x| 2^-24: 2^n 2^r with |r| <= 1/2, the latter with equal
 * ripples of relative error. For sums with 1 and products that vanish; of a NaN, anything. */
ISA_INLINE vec vec_exp_near(vec x) {
  /* 1.5 * 2^23: adding it leaves an integer in the low bits */
  const float rounder = 12582912.0f, per_octave = 1.44269504f;
  x = ISA_CLAMP(x, -87.0f, 87.0f);
  const vec shifted = x * per_octave + rounder;
  const vec r = x * per_octave - (shifted - rounder);
  vec p = r * 1.32647285e-3f + 9.67151392e-3f;
  p = p * r + 5.55073358e-2f;
  p = p * r + 2.40222424e-1f;
  p = p * r + 6.93147004e-1f;
  p = p * r + 1.0f;
  return (vec)((ivec)p + ((ivec)shifted << 23));
}

ISA_INLINE vec vec_silu(vec x) { return x / (1.0f + vec_exp_near(-x)); }

ISA_INLINE vec vec_quick_gelu(vec x) { return x / (1.0f + vec_exp_near(-1.702f * x)); }

/* max(x, 0) - |x| / 2 erfc(|x| / sqrt 2). Beyond 14 the second term is nothing. */
ISA_INLINE vec vec_gelu(vec x) {
  vec size = (vec)((ivec)x & 0x7fffffff);
  size = vec_select(size > 14.0f, vec_of(14.0f), size);
  const vec z = size * 0.70710678f;
  const vec t = 1.0f / (1.0f + 0.3275911f * z);
  vec p = t * 1.061405429f - 1.453152027f;
  p = p * t + 1.421413741f;
  p = p * t - 0.284496736f;
  p = (p * t + 0.254829592f) * t;
  const vec erfc = p * vec_exp_near(-z * z);
  return vec_select(x > 0.0f, x, (vec){0}) - 0.5f * size * erfc;
}

ISA_INLINE void map_row(float *out, const float *in, size_t count, vec (*map)(vec)) {
  size_t i = 0;
  for (; i + LANES <= count; i += LANES) vec_store(out + i, map(vec_load(in + i)));
  if (i < count) vec_store_part(out + i, map(vec_load_part(in + i, count - i)), count - i);
}

static void silu_row(float *out, const float *in, size_t count) {
  map_row(out, in, count, vec_silu);
}

static void gelu_row(float *out, const float *in, size_t count) {
  map_row(out, in, count, vec_gelu);
}

static void quick_gelu_row(float *out, const float *in, size_t count) {
  map_row(out, in, count, vec_quick_gelu);
}

static void add_row(float *out, const float *x, const float *y, size_t count) {
  size_t i = 0;
  for (; i + LANES <= count; i += LANES) vec_store(out + i, vec_load(x + i) + vec_load(y + i));
  for (; i < count; i++) out[i] = x[i] + y[i];
}

#include "backend/cpu/cpu_isa_attention.h"
#include "backend/cpu/cpu_isa_norm.h"
#include "backend/cpu/cpu_isa_sums.h"
#include "backend/cpu/cpu_isa_winograd.h"

static int32_t usable(void) { return ISA_USABLE; }

#define ISA_JOIN(x, y) x##y
#define ISA_NAME(set) ISA_JOIN(cpu_isa_, set)
#define ISA_TEXT(set) #set
#define ISA_STRING(set) ISA_TEXT(set)

extern const cpu_isa ISA_NAME(ISA_SET);
const cpu_isa ISA_NAME(ISA_SET) = {
    .name = ISA_STRING(ISA_SET),
    .panel = PANEL,
    .rows = ISA_ROWS,
    .usable = usable,
    .block = block,
    .unpack = unpack,
    .pack = pack,
    .store_sums = store_sums,
    .store_gated_sums = store_gated_sums,
    .multiply_rows = multiply_rows,
    .multiply_columns = multiply_columns,
    .find_peaks = find_peaks,
    .weigh = weigh,
    .silu_row = silu_row,
    .gelu_row = gelu_row,
    .quick_gelu_row = quick_gelu_row,
    .add_moments = add_moments,
    .scale_rows = scale_rows,
    .layer_norm_rows = layer_norm_rows,
    .add_row = add_row,
    .winograd_input = winograd_input,
    .winograd_filter = winograd_filter,
    .winograd_output = winograd_output,
#ifdef ISA_PAIRS
    .pair_depth = ISA_PAIRS,
    .begin_pairs = begin_pairs,
    .multiply_pairs = multiply_pairs,
    .end_pairs = end_pairs,
    .weigh_pairs = weigh_pairs,
#endif
};
