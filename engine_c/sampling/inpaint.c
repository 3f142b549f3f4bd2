/* inpaint: see inpaint.h. */
#include "sampling/inpaint.h"

enum { INPAINT_FACTOR = 8 };

void inpaint_mask_mean(float *out, const uint8_t *mask, int32_t h, int32_t w) {
  size_t stride = (size_t)w * INPAINT_FACTOR;
  for (size_t y = 0; y < (size_t)h; y++) {
    for (size_t x = 0; x < (size_t)w; x++) {
      const uint8_t *cell = mask + (y * stride + x) * INPAINT_FACTOR;
      int32_t sum = 0;
      for (size_t row = 0; row < INPAINT_FACTOR; row++)
        for (size_t column = 0; column < INPAINT_FACTOR; column++)
          sum += cell[row * stride + column];
      *out++ = (float)sum / (255 * INPAINT_FACTOR * INPAINT_FACTOR);
    }
  }
}

void inpaint_mask_nearest(float *out, const uint8_t *mask, int32_t h, int32_t w) {
  size_t stride = (size_t)w * INPAINT_FACTOR;
  for (size_t y = 0; y < (size_t)h; y++)
    for (size_t x = 0; x < (size_t)w; x++)
      *out++ = mask[(y * stride + x) * INPAINT_FACTOR] >= INPAINT_PAINTED;
}

void inpaint_blend(float *latents, const inpaint_known *known, float sigma, size_t count) {
  for (size_t i = 0; i < 4 * count; i++) {
    float kept = known->init[i] + sigma * known->noise[i], painted = known->mask[i / 4];
    latents[i] = kept + painted * (latents[i] - kept);
  }
}

void inpaint_composite(uint8_t *rgb, const uint8_t *init, const uint8_t *mask, size_t count) {
  for (size_t i = 0; i < 3 * count; i++) {
    int32_t painted = mask[i / 3];
    rgb[i] = (uint8_t)((painted * rgb[i] + (255 - painted) * init[i] + 127) / 255);
  }
}
