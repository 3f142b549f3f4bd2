/* pixels: see pixels.h. */
#include "sampling/pixels.h"

static uint8_t pixels_byte(float value) {
  if (!(value > 0)) return 0; /* NaN too */
  return value >= 1 ? 255 : (uint8_t)(value * 255 + 0.5f);
}

void pixels_to_bytes(uint8_t *out, const float *in, size_t count, float scale, float shift) {
  for (size_t i = 0; i < count; i++) out[i] = pixels_byte(in[i] * scale + shift);
}

void pixels_from_bytes(float *out, const uint8_t *in, size_t count, float scale, float shift) {
  for (size_t i = 0; i < count; i++) out[i] = (float)in[i] / 255 * scale + shift;
}

void pixels_project_latents(uint8_t *out, const float *latents, size_t pixel_count,
                            const float map[5][3]) {
  for (size_t i = 0; i < pixel_count; i++, latents += 4, out += 3) {
    for (int color = 0; color < 3; color++) {
      float value = map[4][color];
      for (int channel = 0; channel < 4; channel++) value += latents[channel] * map[channel][color];
      out[color] = pixels_byte(value * 0.5f + 0.5f);
    }
  }
}
