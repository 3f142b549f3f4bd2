/* pixels: between floats and 8-bit RGB. Owns rounding; knows no network. */
#ifndef SAMPLING_PIXELS_H
#define SAMPLING_PIXELS_H

#include <stddef.h>
#include <stdint.h>

/* out[i] = in[i] * scale + shift, then 0..1 to 0..255, rounded and clamped. */
void pixels_to_bytes(uint8_t *out, const float *in, size_t count, float scale, float shift);

/* out[i] = in[i] / 255 * scale + shift. */
void pixels_from_bytes(float *out, const uint8_t *in, size_t count, float scale, float shift);

#endif
