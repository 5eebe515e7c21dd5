/** Commands as a shell reads them. */

/** One word, whatever is in it. */
export const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
