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
