/* cpu_isa_body: the row of one instruction set, written once in vectors of ISA_BYTES bytes.
 * Included by each cpu_isa_<set>.c inside that set's target pragma; knows no operator. It wants
 *
 *   ISA_SET      name of the row: cpu_isa_<ISA_SET>
 *   ISA_BYTES    bytes of a vector register
 *   ISA_VECTORS  vectors of a panel
 *   ISA_ROWS     rows of a block: ISA_ROWS * ISA_VECTORS sums must stay in registers
 *   ISA_USABLE   expression: non-zero if this processor has the set
 *   ISA_PAIRS    its pair_depth, if it has begin_pairs, multiply_pairs, end_pairs and weigh_pairs
 *   ISA_FROM_HALF(h), ISA_TO_HALF(v)   vectors of binary16 bits to f32 and back; undefined: scalar
 *   ISA_TO_BF16(v)   a vector of f32 to bf16; undefined: in integers; it may make zeros of
 * subnormals
 *
 * Sources: exp by Cody and Waite's reduction and a polynomial; erfc by Abramowitz and
 * Stegun 7.1.26. */
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

static void block(const cpu_block *b) {
#define ISA_CASE(count)                                   \
  case count:                                             \
    block_of(b, (count) < ISA_ROWS ? (count) : ISA_ROWS); \
    break
  switch (b->rows) {
    ISA_CASE(1);
    ISA_CASE(2);
    ISA_CASE(3);
    ISA_CASE(4);
#if ISA_ROWS > 4
    ISA_CASE(5);
    ISA_CASE(6);
#endif
#if ISA_ROWS > 6
    ISA_CASE(7);
    ISA_CASE(8);
    ISA_CASE(9);
    ISA_CASE(10);
    ISA_CASE(11);
    ISA_CASE(12);
#endif
    default:
      break;
  }
#undef ISA_CASE
}

/* ---- short formats ---- */

#ifdef ISA_FROM_HALF
typedef uint8_t bvec __attribute__((vector_size(LANES)));
typedef uint8_t bvec_memory __attribute__((vector_size(LANES), aligned(1), may_alias));
typedef uint16_t hvec __attribute__((vector_size(ISA_BYTES / 2)));
typedef uint16_t hvec_memory __attribute__((vector_size(ISA_BYTES / 2), aligned(2), may_alias));
typedef uint32_t uvec __attribute__((vector_size(ISA_BYTES)));

/* One vector of `dtype`; every call has a constant dtype. */
ISA_INLINE vec vec_unpack(const void *source, const sd_dtype dtype) {
  if (dtype == SD_F32) return vec_load((const float *)source);
  if (dtype == SD_F16) return ISA_FROM_HALF(*(const hvec_memory *)source);
  if (dtype == SD_BF16)
    return (vec)(__builtin_convertvector(*(const hvec_memory *)source, uvec) << 16);
  const hvec byte = __builtin_convertvector(*(const bvec_memory *)source, hvec);
  if (dtype == SD_F8_E5M2) return ISA_FROM_HALF((hvec)(byte << 8));
  /* e4m3 has one exponent bit less than binary16, at a bias 8 smaller, and a single NaN. */
  const vec value = ISA_FROM_HALF((hvec)((byte & 0x80) << 8 | (byte & 0x7f) << 7)) * 256.0f;
  const ivec is_nan = __builtin_convertvector(byte & 0x7f, ivec) == 0x7f;
  return vec_select(is_nan, vec_of(__builtin_nanf("")), value);
}

ISA_INLINE void unpack_of(float *out, const char *source, const sd_dtype dtype, const size_t bytes,
                          size_t count) {
  size_t i = 0;
  for (; i + LANES <= count; i += LANES) vec_store(out + i, vec_unpack(source + i * bytes, dtype));
  if (i == count) return;
  float last[LANES] = {0};
  memcpy(last, source + i * bytes, (count - i) * bytes);
  vec_store_part(out + i, vec_unpack(last, dtype), count - i);
}

static void unpack(float *out, const void *source, sd_dtype dtype, size_t count) {
  switch (dtype) {
    case SD_F32:
      memcpy(out, source, count * sizeof(float));
      break;
    case SD_F16:
      unpack_of(out, source, SD_F16, 2, count);
      break;
    case SD_BF16:
      unpack_of(out, source, SD_BF16, 2, count);
      break;
    case SD_F8_E4M3:
      unpack_of(out, source, SD_F8_E4M3, 1, count);
      break;
    case SD_F8_E5M2:
      unpack_of(out, source, SD_F8_E5M2, 1, count);
      break;
    default:
      break; /* SD_I32 and block formats: see cpu_unpack */
  }
}

/* One vector as SD_F16 or SD_BF16, rounded to nearest even; every call has a constant dtype. */
ISA_INLINE hvec vec_pack(vec v, const sd_dtype dtype) {
  if (dtype == SD_F16) return ISA_TO_HALF(v);
#ifdef ISA_TO_BF16
  return ISA_TO_BF16(v);
#else
  const uvec bits = (uvec)v;
  const uvec rounded = bits + 0x7fff + (bits >> 16 & 1);
  const ivec is_nan = v != v;
  const vec kept = vec_select(is_nan, (vec)(bits | 0x400000), (vec)rounded);
  return __builtin_convertvector((uvec)kept >> 16, hvec);
#endif
}

ISA_INLINE void pack_of(uint16_t *out, const float *source, const sd_dtype dtype, size_t count) {
  size_t i = 0;
  for (; i + LANES <= count; i += LANES)
    *(hvec_memory *)(out + i) = vec_pack(vec_load(source + i), dtype);
  if (i == count) return;
  const hvec last = vec_pack(vec_load_part(source + i, count - i), dtype);
  memcpy(out + i, &last, (count - i) * sizeof(uint16_t));
}

static void pack(void *out, const float *source, sd_dtype dtype, size_t count) {
  if (dtype == SD_F32) memcpy(out, source, count * sizeof(float));
  if (dtype == SD_F16) pack_of(out, source, SD_F16, count);
  if (dtype == SD_BF16) pack_of(out, source, SD_BF16, count);
}
#else
static void unpack(float *out, const void *source, sd_dtype dtype, size_t count) {
  half_unpack(out, source, dtype, count);
}

static void pack(void *out, const float *source, sd_dtype dtype, size_t count) {
  half_pack(out, source, dtype, count);
}
#endif

/* ---- rows ---- */

/* e^x: 2^n e^r with |r| <= ln 2 / 2. 2^n in two factors, so that the result may be subnormal or
 * infinite; a NaN passes both bounds. */
ISA_INLINE vec vec_exp(vec x) {
  x = vec_select(x > 89.0f, vec_of(89.0f), x);
  x = vec_select(x < -104.0f, vec_of(-104.0f), x);
  const float rounder = 12582912.0f; /* 1.5 * 2^23: adding it leaves an integer in the low bits */
  const vec shifted = x * 1.44269504f + rounder;
  const vec n = shifted - rounder;
  const ivec power = (ivec)shifted - (ivec)vec_of(rounder);
  const vec r = (x - n * 0.693359375f) - n * -2.12194440e-4f;
  vec p = r * 1.38888889e-3f + 8.33333333e-3f;
  p = p * r + 4.16666667e-2f;
  p = p * r + 1.66666667e-1f;
  p = p * r + 0.5f;
  p = (p * r) * r + r + 1.0f;
  const ivec half = power >> 1;
  return p * (vec)((half + 127) << 23) * (vec)((power - half + 127) << 23);
}

ISA_INLINE vec vec_silu(vec x) { return x / (1.0f + vec_exp(-x)); }

ISA_INLINE vec vec_quick_gelu(vec x) { return x / (1.0f + vec_exp(-1.702f * x)); }

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
  const vec erfc = p * vec_exp(-z * z);
  return vec_select(x > 0.0f, x, (vec){0}) - 0.5f * size * erfc;
}

ISA_INLINE void map_row(float *out, const float *in, size_t count, vec (*map)(vec)) {
  size_t i = 0;
  for (; i + LANES <= count; i += LANES) vec_store(out + i, map(vec_load(in + i)));
  if (i < count) vec_store_part(out + i, map(vec_load_part(in + i, count - i)), count - i);
}

static void exp_row(float *out, const float *in, size_t count) { map_row(out, in, count, vec_exp); }

static void silu_row(float *out, const float *in, size_t count) {
  map_row(out, in, count, vec_silu);
}

static void gelu_row(float *out, const float *in, size_t count) {
  map_row(out, in, count, vec_gelu);
}

static void quick_gelu_row(float *out, const float *in, size_t count) {
  map_row(out, in, count, vec_quick_gelu);
}

/* Lanes are summed in f32 over short runs only, then in double. */
static void moments_row(double *sum, double *squares, const float *in, float shift, size_t count) {
  enum { RUN = 16 };
  dvec sums = {0}, square_sums = {0};
  size_t i = 0;
  while (i + LANES <= count) {
    vec run_sum = {0}, run_squares = {0};
    for (int32_t step = 0; step < RUN && i + LANES <= count; step++, i += LANES) {
      const vec x = vec_load(in + i) - shift;
      run_sum += x;
      run_squares += x * x;
    }
    sums += __builtin_convertvector(run_sum, dvec);
    square_sums += __builtin_convertvector(run_squares, dvec);
  }
  double total = 0, total_squares = 0;
  for (int32_t lane = 0; lane < LANES; lane++) {
    total += sums[lane];
    total_squares += square_sums[lane];
  }
  for (; i < count; i++) {
    const double x = (double)in[i] - (double)shift;
    total += x;
    total_squares += x * x;
  }
  *sum = total;
  *squares = total_squares;
}

static void add_row(float *out, const float *x, const float *y, size_t count) {
  size_t i = 0;
  for (; i + LANES <= count; i += LANES) vec_store(out + i, vec_load(x + i) + vec_load(y + i));
  for (; i < count; i++) out[i] = x[i] + y[i];
}

static void multiply_row(float *out, const float *x, const float *y, size_t count) {
  size_t i = 0;
  for (; i + LANES <= count; i += LANES) vec_store(out + i, vec_load(x + i) * vec_load(y + i));
  for (; i < count; i++) out[i] = x[i] * y[i];
}

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
    .exp_row = exp_row,
    .silu_row = silu_row,
    .gelu_row = gelu_row,
    .quick_gelu_row = quick_gelu_row,
    .moments_row = moments_row,
    .add_row = add_row,
    .multiply_row = multiply_row,
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
