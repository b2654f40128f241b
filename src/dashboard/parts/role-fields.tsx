/** The fields of a form that gives a role, for all products or some; and how the products are read from it. */
import { RoleSchema } from "../../contracts/api/role.ts";
import type { Fields } from "../visit.ts";

export function RoleFields({ written }: { written: Fields }) {
  return (
    <>
      <label>
        Role
        <select name="role">
          {RoleSchema.options.map((role) => (
            <option value={role} selected={written["role"] === role}>
              {role}
            </option>
          ))}
        </select>
      </label>
      <label>
        Products, apart by commas (empty: all)
        <input name="products" value={written["products"] ?? ""} />
      </label>
    </>
  );
}

/** Null: all of them. */
export function productsOf({ products = "" }: Fields): readonly string[] | null {
  const names = products
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "");
  return names.length === 0 ? null : names;
}
