/* metal tuning text: what the timing of a GPU found as one line, which whoever opens the engine may
 * keep and give back. Owns the line's form: whole numbers, then the GPU's name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/metal/metal_product.h"

enum { FORM = 1, CHOICES = (int)MATRIX_FORM_COUNT * (int)MATRIX_SIZE_COUNT };

/* Of the line, in this order. */
enum {
  AT_FORM,
  AT_VARIANTS,
  AT_REFUSED,
  AT_CHOICE = AT_REFUSED + MATRIX_FORM_COUNT,
  AT_FLOPS = AT_CHOICE + CHOICES,
  NUMBERS
};

static const int64_t FLOPS_MOST = 1000000000000000; /* per second, beyond any GPU */

void metal_tuning_write(char *out, size_t size, const metal_tuning *tuning, const char *device) {
  int64_t numbers[NUMBERS] = {[AT_FORM] = FORM, [AT_VARIANTS] = MATRIX_VARIANT_COUNT};
  for (int32_t i = 0; i < MATRIX_FORM_COUNT; i++) numbers[AT_REFUSED + i] = tuning->refused[i];
  for (int32_t i = 0; i < CHOICES; i++)
    numbers[AT_CHOICE + i] = tuning->variant[i / MATRIX_SIZE_COUNT][i % MATRIX_SIZE_COUNT];
  numbers[AT_FLOPS] = (int64_t)tuning->flops_per_second;
  out[0] = 0;
  if (!tuning->is_timed) return;
  size_t used = 0;
  for (int32_t i = 0; i < NUMBERS && used < size; i++)
    used += (size_t)snprintf(out + used, size - used, "%lld ", (long long)numbers[i]);
  if (used < size) snprintf(out + used, size - used, "%s", device);
}

/* 1: all numbers are there, and can be this engine's. */
static int tuning_are_sound(const int64_t *numbers) {
  const int32_t plainest = 1 << MATRIX_64X32;
  if (numbers[AT_FORM] != FORM || numbers[AT_VARIANTS] != MATRIX_VARIANT_COUNT) return 0;
  for (int32_t i = AT_REFUSED; i < AT_CHOICE; i++)
    if (numbers[i] < 0 || numbers[i] >= 1 << MATRIX_VARIANT_COUNT || numbers[i] & plainest)
      return 0;
  for (int32_t i = AT_CHOICE; i < AT_FLOPS; i++)
    if (numbers[i] < 0 || numbers[i] >= MATRIX_VARIANT_COUNT) return 0;
  return numbers[AT_FLOPS] > 0 && numbers[AT_FLOPS] <= FLOPS_MOST;
}

int metal_tuning_read(metal_tuning *out, const char *text, const char *device) {
  int64_t numbers[NUMBERS];
  for (int32_t i = 0; i < NUMBERS; i++) {
    char *end;
    numbers[i] = strtoll(text, &end, 10);
    if (*end != ' ') return 0;
    text = end + 1;
  }
  if (!tuning_are_sound(numbers) || strcmp(text, device) != 0) return 0;
  *out = (metal_tuning){.flops_per_second = (double)numbers[AT_FLOPS], .is_timed = 1};
  for (int32_t i = 0; i < MATRIX_FORM_COUNT; i++)
    out->refused[i] = (uint32_t)numbers[AT_REFUSED + i];
  for (int32_t i = 0; i < CHOICES; i++)
    out->variant[i / MATRIX_SIZE_COUNT][i % MATRIX_SIZE_COUNT] =
        (matrix_variant)numbers[AT_CHOICE + i];
  return 1;
}
