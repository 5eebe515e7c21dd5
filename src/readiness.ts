/** Whether calls can be answered: what stands behind the server may be away for a while. */
export interface Readiness {
  readonly isReady: boolean;
  /** Hears when that changes. The function returned ends it. */
  onChange(listener: () => void): () => void;
}

/** Of what depends on nothing. */
export const alwaysReady: Readiness = { isReady: true, onChange: () => () => {} };
