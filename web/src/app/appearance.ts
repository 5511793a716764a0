import { createContext, useContext } from "react";
import type { ThemeName } from "../ui/theme";

export interface Appearance {
  readonly theme: ThemeName;
  readonly setTheme: (name: ThemeName) => void;
}

export const AppearanceContext = createContext<Appearance>({ theme: "light", setTheme: () => undefined });

export function useAppearance(): Appearance {
  return useContext(AppearanceContext);
}
