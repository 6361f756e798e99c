import importX from "eslint-plugin-import-x";
import jest from "eslint-plugin-jest";
import jsdoc from "eslint-plugin-jsdoc";
import tseslint from "typescript-eslint";

export default tseslint.config(
  {
    ignores: [
      ".dist-*/",
      "dist/",
      "coverage/",
      "node_modules/",
      ".cache/",
      "**/testdata/",
      "examples/",
      "**/*.js",
      "**/*.mjs",
      "**/*.cjs",
    ],
  },
  ...tseslint.configs.strictTypeChecked,
  ...tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { "import-x": importX },
    rules: {
      "import-x/no-cycle": ["error", { ignoreExternal: true }],
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
      "@typescript-eslint/require-await": "off",
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      // A dynamic provider or a gRPC handler may reject with whatever a user threw.
      "@typescript-eslint/prefer-promise-reject-errors": "off",
    },
  },
  {
    files: ["index.ts", "provider/**/*.ts", "components/**/*.ts", "bootstrap/**/*.ts"],
    plugins: { jsdoc },
    rules: {
      "jsdoc/require-jsdoc": [
        "error",
        {
          publicOnly: true,
          contexts: ["TSInterfaceDeclaration", "TSTypeAliasDeclaration", "ClassDeclaration", "FunctionDeclaration"],
        },
      ],
    },
  },
  {
    files: ["test/**/*.ts"],
    ...jest.configs["flat/recommended"],
    rules: {
      ...jest.configs["flat/recommended"].rules,
      // A table may say that a case has no state or no locks to look at.
      "jest/no-conditional-expect": "off",
      "jest/no-standalone-expect": [
        "error",
        { additionalTestBlockFunctions: ["beforeAll", "beforeEach", "afterEach", "itAsRoot"] },
      ],
      "jest/expect-expect": ["error", { assertFunctionNames: ["expect*", "fc.assert", "assert*"] }],
    },
  },
);
