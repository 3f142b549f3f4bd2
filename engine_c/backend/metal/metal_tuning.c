/* metal tuning: which variant of the product this GPU computes rightly, and which is its fastest.
 * Owns the choice; how a variant is encoded is metal_matrix's. Runs on the scratch alone. */
#include <math.h>

#include "backend/metal/metal_device.h"
#include "backend/metal/metal_product.h"
#include "base/half.h"

enum { RUNS = 3 /* of which the fastest counts */, DIRECT_TAPS_FAMILY = 9 };

static const double LEAST_FLOPS = 5e10; /* per second, of anything that is a GPU */

/* Largest |got - wanted| / (1 + |wanted|): two roundings. */
static const float F16_TOLERANCE = 0x1p-9f, BF16_TOLERANCE = 0x1p-6f;

typedef struct tuning_shape {
  matrix_form form;
  matrix_size size;
  int32_t side, channels, columns; /* two pictures of side x side */
} tuning_shape;

/* Whether the GPU may gain by the variant. Taps straight from device memory want registers and
 * caches that are dealt out as a kernel runs, which begin with Apple9 (M3). */
static int tuning_considers(const metal_backend *m, matrix_form form, matrix_variant variant) {
  return variant != MATRIX_DIRECT || form != MATRIX_TAPS ||
         metal_apple_family(m) >= DIRECT_TAPS_FAMILY;
}

static metal_view tuning_part(metal_view all, int64_t offset, int64_t bytes) {
  return (metal_view){all.buffer, all.offset + offset, bytes};
}

/* A product on the scratch, whatever lies there. */
static product tuning_product(metal_backend *m, sd_dtype dtype, const tuning_shape *s) {
  const int32_t rows = 2 * s->side * s->side, taps = s->form == MATRIX_TAPS ? 9 : 1;
  const int64_t part = METAL_SCRATCH_BYTES / 4, bytes = (int64_t)sizeof(uint16_t);
  const int64_t weight_bytes = (int64_t)s->columns * taps * s->channels * bytes;
  const metal_view all = metal_scratch(m, METAL_SCRATCH_BYTES);
  product p = {.dtype = dtype,
               .out = tuning_part(all, part, rows * s->columns * bytes),
               .from = {[FROM_X] = tuning_part(all, 2 * part, rows * s->channels * bytes),
                        [FROM_WEIGHT] = tuning_part(all, 3 * part, weight_bytes)}};
  p.args = (matrix_args){.row_end = rows,
                         .columns = s->columns,
                         .weight_rows = s->columns,
                         .x_channels = s->channels,
                         .side = s->form == MATRIX_TAPS ? 3 : 1,
                         .stride = 1,
                         .pad = s->form == MATRIX_TAPS,
                         .in_h = s->side,
                         .in_w = s->side,
                         .out_h = s->side,
                         .out_w = s->side};
  product_derive(&p);
  return p;
}

/* ---- right ---- */

/* -1 to 1 from a counter. */
static void tuning_draw(metal_view view, sd_dtype dtype, uint32_t seed) {
  uint16_t *to = (uint16_t *)(void *)((char *)view.buffer->contents + view.offset);
  for (int64_t i = 0; i < view.bytes / (int64_t)sizeof *to; i++) {
    seed = seed * 1664525u + 1013904223u;
    const float number = (float)(int32_t)seed * 0x1p-31f;
    half_pack(to + i, &number, dtype, 1);
  }
}

static int tuning_is_equal(metal_view got, metal_view wanted, sd_dtype dtype) {
  const float tolerance = dtype == SD_BF16 ? BF16_TOLERANCE : F16_TOLERANCE;
  const char *a = (const char *)got.buffer->contents + got.offset;
  const char *b = (const char *)wanted.buffer->contents + wanted.offset;
  for (int64_t at = 0; at < got.bytes; at += (int64_t)sizeof(uint16_t)) {
    float x, y;
    half_unpack(&x, a + at, dtype, 1);
    half_unpack(&y, b + at, dtype, 1);
    if (!(fabsf(x - y) <= tolerance * (1 + fabsf(y)))) return 0;
  }
  return 1;
}

/* The product by the variant; its own `variant` is another where that cannot be. */
static product tuning_cut(metal_backend *m, sd_dtype dtype, const tuning_shape *s,
                          matrix_variant variant, const metal_tuning *so_far) {
  metal_tuning tuning = *so_far;
  tuning.variant[s->form][s->size] = variant;
  product p = tuning_product(m, dtype, s);
  product_cut(&p, m, &tuning);
  return p;
}

static void tuning_refuse(metal_backend *m, sd_dtype dtype, matrix_form form,
                          matrix_variant variant) {
  const product p = {.dtype = dtype, .form = form};
  const metal_kernel kernel = product_kernel(&p, variant);
  if (metal_kernel_threads(m, kernel))
    metal_refuse(m, kernel, "its results are not those of the 64x32 tiles");
}

/* Whether the variant, where it can run, gives what MATRIX_64X32 gives. */
static int tuning_is_right(metal_backend *m, sd_dtype dtype, metal_finish finish, matrix_form form,
                           matrix_variant variant) {
  const tuning_shape shape = {form, MATRIX_SMALL, 8, 64, 64};
  const metal_tuning tuning = metal_tuning_default();
  if (!tuning_considers(m, form, variant)) return 1;
  product wanted = tuning_cut(m, dtype, &shape, MATRIX_64X32, &tuning);
  product got = tuning_cut(m, dtype, &shape, variant, &tuning);
  if (got.variant != variant) return 1;
  got.out.offset += got.out.bytes;
  tuning_draw(wanted.from[FROM_X], dtype, 1);
  tuning_draw(wanted.from[FROM_WEIGHT], dtype, 2);
  product_encode(m, &wanted);
  product_encode(m, &got);
  return finish(m) >= 0.0 && tuning_is_equal(got.out, wanted.out, dtype);
}

void metal_tuning_check(uint32_t refused[MATRIX_FORM_COUNT], metal_backend *m, sd_dtype dtype,
                        metal_finish finish) {
  for (int32_t i = 0; i < (int)MATRIX_FORM_COUNT * (int)MATRIX_VARIANT_COUNT; i++) {
    const matrix_form form = (matrix_form)(i / MATRIX_VARIANT_COUNT);
    const matrix_variant variant = (matrix_variant)(i % MATRIX_VARIANT_COUNT);
    if (variant == MATRIX_64X32 || tuning_is_right(m, dtype, finish, form, variant)) continue;
    refused[form] |= 1u << variant;
    tuning_refuse(m, dtype, form, variant);
  }
}

/* ---- fast ---- */

/* FLOPs per second of the shape by the variant; 0 if it cannot run. */
static double tuning_rate(metal_backend *m, metal_finish finish, const tuning_shape *s,
                          matrix_variant variant, const metal_tuning *so_far) {
  if (!tuning_considers(m, s->form, variant)) return 0.0;
  const product p = tuning_cut(m, SD_F16, s, variant, so_far);
  if (p.variant != variant) return 0.0;
  double best = 0.0;
  for (int32_t i = 0; i < RUNS; i++) {
    product_encode(m, &p);
    const double seconds = finish(m);
    if (seconds <= 0.0) return 0.0;
    best = fmax(best, product_flops(&p) / seconds);
  }
  return best;
}

static void tuning_time(metal_tuning *tuning, metal_backend *m, metal_finish finish) {
  static const tuning_shape SHAPES[] = {
      {MATRIX_TAPS, MATRIX_LARGE, 64, 320, 320},  {MATRIX_ROWS, MATRIX_LARGE, 64, 320, 320},
      {MATRIX_TAPS, MATRIX_MIDDLE, 32, 640, 640}, {MATRIX_ROWS, MATRIX_MIDDLE, 32, 640, 640},
      {MATRIX_TAPS, MATRIX_SMALL, 8, 640, 1280},  {MATRIX_ROWS, MATRIX_SMALL, 8, 1280, 1280}};
  double fastest = 0.0;
  for (size_t i = 0; i < sizeof SHAPES / sizeof *SHAPES; i++) {
    const tuning_shape *s = &SHAPES[i];
    double best = 0.0;
    for (int32_t v = 0; v < MATRIX_VARIANT_COUNT; v++) {
      const double rate = tuning_rate(m, finish, s, (matrix_variant)v, tuning);
      if (rate <= best) continue;
      best = rate;
      tuning->variant[s->form][s->size] = (matrix_variant)v;
    }
    fastest = fmax(fastest, best);
    if (fastest > 0.0) tuning->flops_per_second = fastest;
  }
  tuning->is_timed = fastest > 0.0;
}

/* ---- the choice ---- */

metal_tuning metal_tuning_default(void) {
  const metal_tuning tuning = {.flops_per_second = 2e12}; /* an M1's; all variants the first */
  return tuning;
}

metal_tuning metal_tuning_measure(metal_backend *m, metal_finish finish) {
  static const tuning_shape PROBE = {MATRIX_ROWS, MATRIX_SMALL, 8, 320, 320};
  metal_tuning tuning = metal_tuning_default();
  metal_tuning_check(tuning.refused, m, SD_F16, finish);
  if (tuning_rate(m, finish, &PROBE, MATRIX_64X32, &tuning) >= LEAST_FLOPS)
    tuning_time(&tuning, m, finish);
  return tuning;
}

void metal_tuning_repeat(metal_backend *m, const metal_tuning *found) {
  for (int32_t form = 0; form < MATRIX_FORM_COUNT; form++)
    for (int32_t v = 0; v < MATRIX_VARIANT_COUNT; v++)
      if (found->refused[form] >> v & 1)
        tuning_refuse(m, SD_F16, (matrix_form)form, (matrix_variant)v);
}
