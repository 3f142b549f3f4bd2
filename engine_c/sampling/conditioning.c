/* conditioning: see conditioning.h. */
#include "sampling/conditioning.h"

#include <math.h>

#include "networks/clip.h"
#include "networks/model.h"

static double conditioning_mean(const float *values, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; i++) sum += values[i];
  return sum / (double)count;
}

static int conditioning_is_plain(const float *weights) {
  for (int i = 0; i < CLIP_TOKENS; i++)
    if (weights[i] != 1.0f) return 0;
  return 1;
}

static void conditioning_weigh_chunk(float *chunk, const float *weights, size_t width) {
  size_t count = CLIP_TOKENS * width;
  double before = conditioning_mean(chunk, count);
  for (size_t i = 0; i < count; i++) chunk[i] *= weights[i / width];
  double after = conditioning_mean(chunk, count);
  if (after == 0) return; /* all weights 0: nothing is left to restore */
  float restore = (float)(before / after);
  for (size_t i = 0; i < count; i++) chunk[i] *= restore;
}

void conditioning_weigh(float *encoded, const sd_prompt *prompt, int32_t width) {
  for (int32_t i = 0; i < prompt->chunk_count; i++) {
    const float *weights = prompt->weights + i * CLIP_TOKENS;
    if (!conditioning_is_plain(weights))
      conditioning_weigh_chunk(encoded + (size_t)i * CLIP_TOKENS * (size_t)width, weights,
                               (size_t)width);
  }
}

int32_t conditioning_end(const int32_t chunk[77], int32_t vocabulary) {
  int32_t row = 0;
  while (row < CLIP_TOKENS - 1 && chunk[row] != vocabulary - 1) row++;
  return row;
}

void conditioning_sizes(float *out, const float *sizes) {
  enum { HALF = MODEL_SIZE_WIDTH / 2 };
  for (int s = 0; s < MODEL_SIZES; s++, out += MODEL_SIZE_WIDTH)
    for (int i = 0; i < HALF; i++) {
      double angle = (double)sizes[s] * pow(10000.0, -(double)i / (double)HALF);
      out[i] = (float)cos(angle);
      out[HALF + i] = (float)sin(angle);
    }
}
