// The kernel's vocabulary in C++: one Highway vector of particles. The GLSL twin is
// shaders/kernel/lanes.glsl. Included once for each instruction set, inside its namespace; hence no include
// guard.

namespace hn = hwy::HWY_NAMESPACE;

using DF = hn::ScalableTag<float>;
using DU = hn::RebindToUnsigned<DF>;
using DI = hn::RebindToSigned<DF>;

// Constructors that are written out get the instruction set of this place; implicit ones would not, with GCC.
struct F {
  HWY_INLINE F() {}
  HWY_INLINE F(hn::Vec<DF> vector) : v(vector) {}
  hn::Vec<DF> v;
};
struct U {
  HWY_INLINE U() {}
  HWY_INLINE U(hn::Vec<DU> vector) : v(vector) {}
  hn::Vec<DU> v;
};
struct M {
  HWY_INLINE M(hn::Mask<DF> mask) : v(mask) {}
  hn::Mask<DF> v;
};

HWY_INLINE F operator+(F a, F b) { return {hn::Add(a.v, b.v)}; }
HWY_INLINE F operator-(F a, F b) { return {hn::Sub(a.v, b.v)}; }
HWY_INLINE F operator-(F a) { return {hn::Neg(a.v)}; }
HWY_INLINE F operator*(F a, F b) { return {hn::Mul(a.v, b.v)}; }
HWY_INLINE F operator/(F a, F b) { return {hn::Div(a.v, b.v)}; }
HWY_INLINE U operator+(U a, U b) { return {hn::Add(a.v, b.v)}; }
HWY_INLINE U operator*(U a, U b) { return {hn::Mul(a.v, b.v)}; }
HWY_INLINE U operator&(U a, U b) { return {hn::And(a.v, b.v)}; }
HWY_INLINE U operator|(U a, U b) { return {hn::Or(a.v, b.v)}; }
HWY_INLINE U operator^(U a, U b) { return {hn::Xor(a.v, b.v)}; }
HWY_INLINE U operator>>(U a, uint n) { return {hn::ShiftRightSame(a.v, static_cast<int>(n))}; }
HWY_INLINE U operator<<(U a, uint n) { return {hn::ShiftLeftSame(a.v, static_cast<int>(n))}; }
HWY_INLINE U operator>>(U a, U n) { return {hn::Shr(a.v, n.v)}; }

HWY_INLINE F splat_f(float x) { return {hn::Set(DF(), x)}; }
HWY_INLINE U splat_u(uint x) { return {hn::Set(DU(), x)}; }
HWY_INLINE F load_f(const float* from) { return {hn::LoadU(DF(), from)}; }
HWY_INLINE void store_f(F x, float* to) { hn::StoreU(x.v, DF(), to); }
HWY_INLINE F select(M m, F yes, F no) { return {hn::IfThenElse(m.v, yes.v, no.v)}; }
HWY_INLINE U select_u(M m, U yes, U no) { return {hn::IfThenElse(hn::RebindMask(DU(), m.v), yes.v, no.v)}; }
HWY_INLINE M less(F a, F b) { return {hn::Lt(a.v, b.v)}; }
HWY_INLINE M greater(F a, F b) { return {hn::Gt(a.v, b.v)}; }
HWY_INLINE M both(M a, M b) { return {hn::And(a.v, b.v)}; }
HWY_INLINE F to_f(U x) { return {hn::ConvertTo(DF(), hn::BitCast(DI(), x.v))}; }
// Towards zero, of numbers that fit: Highway's own conversion spends four instructions on those that do not.
HWY_INLINE hn::Vec<DI> truncate(F x) {
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL || HWY_TARGET == HWY_AVX3_ZEN4
  return hn::Vec<DI>{_mm512_cvttps_epi32(x.v.raw)};
#elif HWY_TARGET == HWY_AVX2
  return hn::Vec<DI>{_mm256_cvttps_epi32(x.v.raw)};
#elif HWY_TARGET == HWY_SSE4 || HWY_TARGET == HWY_SSSE3
  return hn::Vec<DI>{_mm_cvttps_epi32(x.v.raw)};
#else
  return hn::ConvertTo(DI(), x.v);
#endif
}
HWY_INLINE U to_u(F x) { return {hn::BitCast(DU(), truncate(x))}; }
HWY_INLINE F floor_f(F x) { return {hn::Floor(x.v)}; }
HWY_INLINE U floor_bits(F x) { return to_u(floor_f(x)); }
HWY_INLINE F abs_f(F x) { return {hn::Abs(x.v)}; }
HWY_INLINE F min_f(F a, F b) { return {hn::Min(a.v, b.v)}; }
HWY_INLINE F max_f(F a, F b) { return {hn::Max(a.v, b.v)}; }
HWY_INLINE F sqrt_f(F x) { return {hn::Sqrt(x.v)}; }
HWY_INLINE F refine_rsqrt(F x, F y) { return y * (splat_f(1.5f) - splat_f(0.5f) * x * y * y); }  // Newton
// 12 bits or more: x86 estimates as many, NEON eight.
HWY_INLINE F rsqrt_fast(F x) {
  const F estimate{hn::ApproximateReciprocalSqrt(x.v)};
  return HWY_TARGET == HWY_NEON ? refine_rsqrt(x, estimate) : estimate;
}
// 22 bits or more.
HWY_INLINE F rsqrt_f(F x) { return refine_rsqrt(x, rsqrt_fast(x)); }
