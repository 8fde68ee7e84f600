// Random numbers without state: a hash of who asks and for what.
// PCG-RXS-M-XS 32, after Jarzynski and Olano, "Hash Functions for GPU Rendering", JCGT 2020.

KERNEL U pcg(U x) {
  U state = x * splat_u(747796405u) + splat_u(2891336453u);
  U word = ((state >> ((state >> 28u) + splat_u(4u))) ^ state) * splat_u(277803737u);
  return (word >> 22u) ^ word;
}

// Uniform in [0, 1), 24 bits.
KERNEL F unit(U x) { return to_f(x >> 8u) * splat_f(1.0f / 16777216.0f); }

// Roughly normal with variance 1: the sum of four bytes (Irwin-Hall), centred and scaled.
KERNEL F bell(U x) {
  U sum = (x & splat_u(255u)) + ((x >> 8u) & splat_u(255u)) + ((x >> 16u) & splat_u(255u)) + (x >> 24u);
  return (to_f(sum) - splat_f(510.0f)) * splat_f(1.0f / 147.8f);
}

// sin and cos of 2 pi t for any t, within 2e-4: a parabola with one correction, the same in both executors.
KERNEL F sin_turn(F t) {
  F x = t - floor_f(t + splat_f(0.5f));
  F y = x * (splat_f(8.0f) - splat_f(16.0f) * abs_f(x));
  return y * (splat_f(0.775f) + splat_f(0.225f) * abs_f(y));
}
KERNEL F cos_turn(F t) { return sin_turn(t + splat_f(0.25f)); }
