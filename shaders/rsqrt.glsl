// 1 / sqrt(x) for a processor, which takes several times as long for a root and a division: a guess out of the
// halved exponent and a step of Newton's with constants that make the largest error least (Kadlec, "Improving the
// fast inverse square root", 2010).

// Within 7e-4.
vec4 quick_rsqrt(vec4 x) {
  vec4 guess = uintBitsToFloat(uvec4(0x5F1FFFF9u) - (floatBitsToUint(x) >> 1u));
  return guess * (0.703952253 * (2.38924456 - x * guess * guess));
}

// Within 8e-7: one more step, an ordinary one.
vec4 close_rsqrt(vec4 x) {
  vec4 guess = quick_rsqrt(x);
  return guess * (1.5 - 0.5 * x * guess * guess);
}
