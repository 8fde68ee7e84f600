// From summed light to video: a filmic shoulder with gamma in one square root, then BT.709 limited range
// (ITU-R BT.709-6, items 3.2 and 3.4).

// Linear light to a display value in [0, 1): the root of x / (1 + x), where the fraction keeps colours from
// clipping and the root is the gamma; written so that one reciprocal root does both.
KERNEL F tone(F light) { return light * rsqrt_fast(light * (light + splat_f(1.0f)) + splat_f(1e-12f)); }

KERNEL F luma_of(F r, F g, F b) {
  return r * splat_f(0.2126f) + g * splat_f(0.7152f) + b * splat_f(0.0722f);
}

// 8-bit codes, still as floats; the caller adds its dither and truncates.
KERNEL F luma_code(F y) { return y * splat_f(219.0f) + splat_f(16.0f); }
KERNEL F blue_code(F b, F y) { return (b - y) * splat_f(224.0f / 1.8556f) + splat_f(128.0f); }
KERNEL F red_code(F r, F y) { return (r - y) * splat_f(224.0f / 1.5748f) + splat_f(128.0f); }
