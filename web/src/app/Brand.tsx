import { Link } from "react-router";

/** The mark: a headset as an arc over two cups. */
export function BrandMark({ size = 22 }: { readonly size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" fill="none" aria-hidden="true">
      <path d="M4 14v-2a8 8 0 0 1 16 0v2" stroke="currentColor" strokeWidth="2.2" strokeLinecap="round" />
      <rect x="2.6" y="13" width="5" height="7.4" rx="2.2" fill="currentColor" />
      <rect x="16.4" y="13" width="5" height="7.4" rx="2.2" fill="currentColor" />
    </svg>
  );
}

export function Brand() {
  return (
    <Link to="/" className="brand">
      <BrandMark />
      ccplatform
    </Link>
  );
}
