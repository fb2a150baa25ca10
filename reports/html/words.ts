// Words of a command line as a shell reads them.

/** The word itself, or in quotes where a shell would take it apart. */
export const quotedWord = (word: string): string =>
  /^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
